// The engine on the host's model of a device, with plain matrix products: on one device, and over ranks.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bench_engine.h"
#include "device/platform.h"
#include "host_products.h"
#include "host_stream.h"
#include "parity.h"
#include "parity_graphs.h"
#include "parity_ranks.h"

namespace {

// A device of more multiprocessors than the model has, so that decoded rows are split over their keys, and with
// FP8.
int32_t large_device(int32_t device, gavel_cuda_device* info) {
  const int32_t status = gavel_cuda(GAVEL_CUDA_VERSION)->device_info(device, info);
  info->multiprocessors = 16;
  info->major = 9;
  return status;
}

int32_t older_device(int32_t device, gavel_cuda_device* info) {
  const int32_t status = gavel_cuda(GAVEL_CUDA_VERSION)->device_info(device, info);
  info->major = 8;
  info->minor = 6;
  return status;
}

// That the measurement of the engine runs; its times are of the model and say nothing.
void measure_tiny(const gavel_cuda_table& table) {
  gavel_config config{};
  config.vocabulary = 64;
  config.hidden = 16;
  config.layers = config.heads = config.kv_heads = config.threads = 1;
  config.head_dim = 16;
  config.intermediate = 16;
  config.max_positions = 256;
  config.rope_theta = 10000;
  config.batch_tokens_max = 128;
  config.block_tokens = 16;
  config.blocks = 16;
  bench::measure_engine(table, 0, [] { return std::make_unique<PlainProducts>(); }, {config, {1, 3}, 32, 2, 5, 1, 1});
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  std::printf("comparing engines on the host's model of a device, seed %llu\n", static_cast<unsigned long long>(seed));
  gavel::cuda::host::seed(seed);
  gavel_cuda_table table = *gavel_cuda(GAVEL_CUDA_VERSION);
  table.device_info = large_device;
  const auto one = [&](const gavel_config& config) {
    return std::make_unique<gavel::DeviceEngine>(config, table, std::make_unique<PlainProducts>());
  };
  const parity::MakeProducts products = [] { return std::make_unique<PlainProducts>(); };
  if (parity::run(one, 1, GAVEL_GOLDEN, seed) != 0 || parity::run_graphs({table, 0, products, true, true}, seed) != 0) {
    return 1;
  }
  measure_tiny(table);
  gavel_cuda_table older = table;
  older.device_info = older_device;
  const auto on_older = [&](const gavel_config& config) {
    return std::make_unique<gavel::DeviceEngine>(config, older, std::make_unique<PlainProducts>());
  };
  if (parity::run_older(on_older) != 0) {
    return 1;
  }
  for (const int ranks : {2, 4}) {
    std::printf("over %d ranks\n", ranks);
    const auto group = [&](const gavel_config& config) { return parity::group(table, config, ranks); };
    if (parity::run(group, ranks, "", seed) != 0) {
      return 1;
    }
  }
  std::printf("%lld launches of graphs, %lld works that the host was ahead of\n",
              static_cast<long long>(gavel::cuda::host::graph_launches()),
              static_cast<long long>(gavel::cuda::host::late_work()));
  return parity::check_ranks(table, seed);
}
