#include "model/cpu_engine.h"

#include <algorithm>
#include <chrono>

#include "support/affinity.h"

namespace gavel {

namespace {

// Sequences all of whose rows yield something, so that they pass the last layer too.
Plan plan_of(const std::vector<std::vector<int32_t>>& sequences, const gavel_batch& batch) {
  Plan plan;
  plan.batch = &batch;
  for (const std::vector<int32_t>& tokens : sequences) {
    const int begin = plan.rows();
    const int count = static_cast<int>(tokens.size());
    const int sequence = static_cast<int>(plan.sequences.size());
    plan.sequences.push_back({begin, begin + count, -1, 0, plan.key_tiles, 0, 0, -1, 0});
    plan.key_tiles += (count + kKeyTile - 1) / kKeyTile;
    plan.max_visible = std::max(plan.max_visible, count);
    plan.tokens.insert(plan.tokens.end(), tokens.begin(), tokens.end());
    plan.row_sequence.resize(plan.tokens.size(), sequence);
    for (int i = 0; i < count; i++) {
      plan.positions.push_back(i);
      plan.outputs.push_back({begin + i, sequence, 0, 0, begin + i});
    }
  }
  return plan;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

CpuEngine::CpuEngine(const gavel_config& config)
    : Engine(Config(config)),
      kernels_(best_kernels()),
      pool_(config_.threads, config_.processors),
      weights_(config_, kernels_, pool_) {}

void CpuEngine::take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                     int64_t bytes) {
  weights_.set(name, dtype, rank, shape, data, bytes);
}

void CpuEngine::build() {
  weights_.finish();
  forward_.reset();
  std::unique_ptr<KeyValues> key_values = KeyValues::create(config_, kernels_, pool_.threads());
  if (weights_.quantizer() != nullptr) {
    round_weights(*key_values);
  }
  forward_ = std::make_unique<Forward>(config_, kernels_, weights_, *key_values, pool_);
  head_ = std::make_unique<Head>(config_, kernels_, weights_, pool_);
  key_values_ = std::move(key_values);
}

void CpuEngine::round_weights(KeyValues& key_values) {
  if (!samples_.empty()) {
    const gavel_batch batch = {};
    Forward forward(config_, kernels_, weights_, key_values, pool_);
    forward.round_weights(plan_of(samples_, batch), *weights_.quantizer());
  }
  weights_.quantizer()->finish();
}

void CpuEngine::compute(Plan& plan, gavel_outputs& outputs) {
  const BoundThread bound(config_.processors.empty() ? -1 : config_.processors[0]);
  const auto start = std::chrono::steady_clock::now();
  forward_->run(plan);
  outputs.prefill_seconds = seconds_since(start);
  const auto head_start = std::chrono::steady_clock::now();
  head_->run(plan, forward_->hidden(), outputs);
  outputs.head_seconds = seconds_since(head_start);
}

void CpuEngine::prepare(Labels& labels) const { labels.pack_heads(weights_); }

Engine::Sizes CpuEngine::sizes() const {
  return {weights_.parameters(), weights_.bytes(), key_values_ == nullptr ? 0 : key_values_->pool_bytes(),
          key_values_ == nullptr ? 0 : key_values_->bytes_per_token()};
}

int64_t CpuEngine::workspace_bytes() const { return forward_->workspace_bytes() + head_->workspace_bytes(); }

}  // namespace gavel
