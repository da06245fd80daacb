#include "model/cpu_engine.h"

#include <chrono>

#include "support/error.h"

namespace gavel {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

CpuEngine::CpuEngine(const gavel_config& config)
    : config_(config), kernels_(best_kernels()), pool_(config_.threads), weights_(config_, kernels_, pool_) {}

void CpuEngine::set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                           int64_t bytes) {
  if (key_values_ != nullptr) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected tensors before it is finished, found one after");
  }
  weights_.set(name, dtype, rank, shape, data, bytes);
}

void CpuEngine::finish() {
  if (key_values_ != nullptr) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected to be finished once, found a second time");
  }
  weights_.finish();
  forward_.reset();
  std::unique_ptr<KeyValues> key_values = KeyValues::create(config_, kernels_, pool_.threads());
  forward_ = std::make_unique<Forward>(config_, kernels_, weights_, *key_values, pool_);
  head_ = std::make_unique<Head>(config_, kernels_, weights_, pool_);
  key_values_ = std::move(key_values);
}

void CpuEngine::require_finished() const {
  if (key_values_ == nullptr) {
    fail(GAVEL_FAILED_PRECONDITION, "engine: expected to be finished, found tensors still missing");
  }
}

void CpuEngine::run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs) {
  require_finished();
  plan_.build(config_, batch, labels);
  plan_.require_room(outputs);
  const auto start = std::chrono::steady_clock::now();
  try {
    forward_->run(plan_);
  } catch (const Error& error) {
    cancelled_batches_ += error.status() == GAVEL_CANCELLED;
    throw;
  }
  outputs.prefill_seconds = seconds_since(start);
  const auto head_start = std::chrono::steady_clock::now();
  head_->run(plan_, forward_->hidden(), outputs);
  outputs.head_seconds = seconds_since(head_start);
  workspace_bytes_ = forward_->workspace_bytes() + head_->workspace_bytes();
  batches_++;
  tokens_ += plan_.rows();
}

std::unique_ptr<Labels> CpuEngine::labels(int labels, int forms, const int32_t* form_labels,
                                          const int32_t* form_offsets, const int32_t* form_tokens) const {
  require_finished();
  auto table = std::make_unique<Labels>(config_.vocabulary, labels, forms, form_labels, form_offsets, form_tokens);
  table->pack_heads(weights_);
  return table;
}

void CpuEngine::info(gavel_info& info) const {
  info.parameters = weights_.parameters();
  info.linear_parameters = config_.linear_parameters();
  info.weight_bytes = weights_.bytes();
  info.kv_bytes = key_values_ == nullptr ? 0 : key_values_->pool_bytes();
  info.kv_bytes_per_token = key_values_ == nullptr ? 0 : key_values_->bytes_per_token();
  info.workspace_bytes = workspace_bytes_;
  info.batches = batches_;
  info.tokens = tokens_;
  info.cancelled_batches = cancelled_batches_;
}

}  // namespace gavel
