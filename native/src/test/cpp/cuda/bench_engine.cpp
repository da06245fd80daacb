#include "bench_engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include "cuda/engine.h"
#include "parity_batch.h"
#include "parity_model.h"

namespace bench {

namespace {

using parity::Batch;
using std::vector;

constexpr int kRounds = 3;
constexpr int kWarmUp = 3;  // steps: launched directly, captured, launched

struct Time {
  double host = 1e9;  // seconds of a step
  double device = 1e9;
};

struct Contender {
  std::unique_ptr<gavel::Engine> engine;
  std::unique_ptr<gavel::Labels> labels;
  Time best;
};

class EngineBench {
 public:
  EngineBench(const gavel_cuda_table& functions, int32_t device, const parity::MakeProducts& products,
              const EngineSteps& shape)
      : shape_(shape) {
    const parity::Checkpoint checkpoint = parity::random_checkpoint("bench", shape.config, {}, generator_);
    for (int graphs = 0; graphs < 2; graphs++) {
      gavel_config config = shape.config;
      config.device_type = GAVEL_CUDA;
      config.quantization = GAVEL_QUANTIZATION_BF16;
      config.device_index = device;
      config.graphs = graphs;
      Contender& contender = contenders_[graphs];
      contender.engine = std::make_unique<gavel::DeviceEngine>(config, functions, products());
      checkpoint.load(*contender.engine);
      const int32_t form_labels[] = {0, 1, 2, 3};
      const int32_t offsets[] = {0, 1, 2, 3, 4};
      const int32_t tokens[] = {1, 2, 3, 4};
      contender.labels = contender.engine->labels(4, 4, form_labels, offsets, tokens);
    }
  }

  void decode(int streams) {
    for (int s = 0; s < streams; s++) {
      keep(s);
    }
    Batch batch;
    for (int s = 0; s < streams; s++) {
      batch.add(tokens(1), -1, {s * blocks(), shape_.context}, -1, GAVEL_OUTPUT_SAMPLE);
    }
    const double tokens_read = static_cast<double>(streams) * shape_.context;
    measure("decode, " + std::to_string(streams) + " streams", batch, tokens_read);
  }

  void score() {
    keep(0);
    Batch batch;
    for (int i = 0; i < shape_.items; i++) {
      batch.add(tokens(shape_.item_tokens), -1, {0, shape_.context}, -1, GAVEL_OUTPUT_LABELS);
    }
    measure("score, " + std::to_string(shape_.items) + " items", batch, shape_.context);
  }

 private:
  int blocks() const { return shape_.context / shape_.config.block_tokens; }
  vector<int32_t> tokens(int count) { return parity::random_tokens(count, shape_.config.vocabulary, generator_); }

  // The context of a stream, in its blocks.
  void keep(int stream) {
    Batch batch;
    batch.add(tokens(shape_.context), -1, {}, stream * blocks(), GAVEL_OUTPUT_NONE);
    for (const Contender& contender : contenders_) {
      parity::run(*contender.engine, batch, nullptr, false, shape_.config.vocabulary);
    }
  }

  void measure(const std::string& name, const Batch& batch, double tokens_read) {
    for (Contender& contender : contenders_) {
      contender.best = {};
      steps(contender, batch, kWarmUp);
    }
    for (int round = 0; round < kRounds; round++) {
      for (Contender& contender : contenders_) {
        const Time time = steps(contender, batch, shape_.steps);
        contender.best = {std::min(contender.best.host, time.host), std::min(contender.best.device, time.device)};
      }
    }
    gavel_info info{};
    contenders_[1].engine->info(info);
    const double bytes = static_cast<double>(info.weight_bytes) + tokens_read * info.kv_bytes_per_token;
    const double limit = shape_.gigabytes_most > 0 ? bytes / (shape_.gigabytes_most * 1e9) : 0;
    const auto& [direct, recorded] = contenders_;
    std::printf("%-24s direct %9.1f us (device %9.1f)  graphs %9.1f us (device %9.1f)  limit %9.1f us  %5.1f%%\n",
                name.c_str(), direct.best.host * 1e6, direct.best.device * 1e6, recorded.best.host * 1e6,
                recorded.best.device * 1e6, limit * 1e6, 100 * limit / recorded.best.host);
  }

  Time steps(const Contender& contender, const Batch& batch, int count) const {
    const size_t outputs = batch.outputs.size();
    vector<float> values(outputs * 4);
    vector<int32_t> sampled(outputs);
    gavel_outputs results{};
    results.label_log_probabilities = results.sampled_log_probabilities = values.data();
    results.sampled_tokens = sampled.data();
    const gavel_batch view = batch.view(false);
    Time total{0, 0};
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; i++) {
      contender.engine->run(view, contender.labels.get(), results);
      total.device += results.prefill_seconds + results.head_seconds;
    }
    total.host = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return {total.host / count, total.device / count};
  }

  const EngineSteps shape_;
  std::mt19937_64 generator_{1};
  Contender contenders_[2];  // without graphs, with them
};

}  // namespace

void measure_engine(const gavel_cuda_table& functions, int32_t device, const parity::MakeProducts& products,
                    const EngineSteps& shape) {
  EngineBench bench(functions, device, products, shape);
  for (const int streams : shape.streams) {
    bench.decode(streams);
  }
  bench.score();
}

}  // namespace bench
