#include "model/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "cuda.h"
#include "model/cpu_engine.h"
#include "support/error.h"

namespace gavel {

std::unique_ptr<Engine> Engine::create(const gavel_config& config) {
  if (config.device_type != GAVEL_CUDA) {
    return std::make_unique<CpuEngine>(config);
  }
  return cuda::engine(config);
}

void Engine::set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                        int64_t bytes) {
  if (finished_) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected tensors before it is finished, found one after");
  }
  take(name, dtype, rank, shape, data, bytes);
}

void Engine::add_sample(const int32_t* tokens, int count) {
  if (finished_) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected a sample before it is finished, found one after");
  }
  GAVEL_REQUIRE(count >= 1 && count <= config_.max_positions, "sample: expected 1 to %d tokens, found %d",
                config_.max_positions, count);
  for (int i = 0; i < count; i++) {
    GAVEL_REQUIRE(tokens[i] >= 0 && tokens[i] < config_.vocabulary, "sample: expected tokens from 0 to %d, found %d",
                  config_.vocabulary - 1, tokens[i]);
  }
  samples_.emplace_back(tokens, tokens + count);
}

void Engine::finish() {
  if (finished_) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected to be finished once, found a second time");
  }
  build();
  finished_ = true;
}

void Engine::require_finished() const {
  if (!finished_) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected to be finished, found tensors still missing");
  }
}

void Engine::run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs) {
  require_finished();
  const auto start = std::chrono::steady_clock::now();
  plan_.build(config_, batch, labels);
  plan_.require_room(outputs);
  const std::chrono::duration<double> planning = std::chrono::steady_clock::now() - start;
  try {
    compute(plan_, outputs);
  } catch (const Error& error) {
    cancelled_batches_ += error.status() == GAVEL_CANCELLED;
    throw;
  }
  require_finite(outputs);
  outputs.prefill_seconds += planning.count();
  workspace_bytes_ = workspace_bytes();
  batches_++;
  tokens_ += plan_.rows();
}

// What overflows the type anywhere on a row's way ends as NaN here: an infinity turns into it in the next norm or
// softmax, and neither leaves the residual stream again.
void Engine::require_finite(const gavel_outputs& outputs) const {
  const auto require = [this](const float* values, int64_t count) {
    const float* found = std::find_if(values, values + count, [](float value) { return !std::isfinite(value); });
    if (found != values + count) {
      const std::string device =
          config_.device_type == GAVEL_CPU ? "cpu" : "cuda:" + std::to_string(config_.device_index);
      fail(GAVEL_INTERNAL, "%s: expected finite results, found %g%s", device.c_str(), static_cast<double>(*found),
           overflow_hint());
    }
  };
  const int64_t labels = plan_.scored > 0 ? plan_.labels->count() : 0;
  require(outputs.label_log_probabilities, plan_.scored * labels);
  require(outputs.label_log_mass, plan_.batch->label_mass != 0 ? plan_.scored : 0);
  require(outputs.sampled_log_probabilities, plan_.sampled);
  require(outputs.logits, static_cast<int64_t>(plan_.logit_rows) * config_.vocabulary);
}

std::unique_ptr<Labels> Engine::labels(int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
                                       const int32_t* form_tokens) const {
  require_finished();
  auto table = std::make_unique<Labels>(config_.vocabulary, labels, forms, form_labels, form_offsets, form_tokens);
  prepare(*table);
  return table;
}

void Engine::info(gavel_info& info) const {
  const Sizes held = sizes();
  info.parameters = held.parameters;
  info.linear_parameters = config_.linear_parameters();
  info.weight_bytes = held.weight_bytes;
  info.kv_bytes = held.kv_bytes;
  info.kv_bytes_per_token = held.kv_bytes_per_token;
  info.workspace_bytes = workspace_bytes_;
  info.batches = batches_;
  info.tokens = tokens_;
  info.cancelled_batches = cancelled_batches_;
  const GraphCounts recorded = graphs();
  info.graphs = recorded.held;
  info.graph_replays = recorded.replays;
  info.graph_failures = recorded.failures;
}

}  // namespace gavel
