// The engine on the host's model of a device, with plain matrix products: on one device, and over ranks.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "device/platform.h"
#include "host_products.h"
#include "parity.h"
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
  if (parity::run(one, 1, GAVEL_GOLDEN, seed) != 0) {
    return 1;
  }
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
  return parity::check_ranks(table, seed);
}
