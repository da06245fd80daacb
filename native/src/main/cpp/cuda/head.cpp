#include "cuda/head.h"

#include <algorithm>
#include <cstring>

namespace gavel {

namespace {

constexpr int kAligned = 4;                        // elements of results: the kernels want 16 bytes
constexpr size_t kResultsLeast = size_t{1} << 16;  // bytes, so that small batches move nothing

int64_t aligned(int64_t elements) { return (elements + kAligned - 1) / kAligned * kAligned; }

}  // namespace

DeviceHead::DeviceHead(const Config& config, const Device& device, const DeviceWeights& weights, Products& products)
    : config_(config),
      device_(device),
      weights_(weights),
      products_(products),
      stride_(aligned(config.vocabulary)),
      workspace_(device),
      logits_(device),
      results_(device),
      delivered_(device, DeviceMemory::Kind::kPinned) {}

DeviceHead::Results DeviceHead::results(const BatchShape& shape) const {
  Results places{};
  places.label_log_mass = aligned(static_cast<int64_t>(shape.outputs.scored) * shape.labels.labels);
  places.tokens = places.label_log_mass + aligned(shape.outputs.scored);
  places.log_probabilities = places.tokens + aligned(shape.outputs.sampled);
  places.logits = places.log_probabilities + aligned(shape.outputs.sampled);
  places.end = places.logits + static_cast<int64_t>(shape.outputs.logit_rows) * config_.vocabulary;
  return places;
}

void DeviceHead::reserve(const DeviceBatch& batch) {
  const BatchShape& shape = batch.shape();
  const Results places = results(shape);
  results_.reserve(std::max(kResultsLeast, places.logits * sizeof(float)));
  delivered_.reserve(std::max(kResultsLeast, places.end * sizeof(float)));
  logits_.reserve((shape.outputs.sampled + shape.outputs.logit_rows) * stride_ * sizeof(float));
  if (shape.outputs.scored > 0 &&
      workspace_.reserve(device_.functions().head_workspace_bytes(shape.outputs.scored, shape.outputs.nodes,
                                                                  config_.vocabulary, shape.labels.candidates))) {
    device_.fill(workspace_.data(), 0, workspace_.bytes());
  }
}

void DeviceHead::run(const DeviceBatch& batch, const void* hidden, const void* normed) {
  const OutputRoom& outputs = batch.shape().outputs;
  const Results places = results(batch.shape());
  if (outputs.scored > 0) {
    score(batch, hidden, normed);
  }
  const int32_t rows = outputs.sampled + outputs.logit_rows;
  if (rows > 0) {
    const int64_t first = outputs.first(GAVEL_OUTPUT_SAMPLE);
    products_.multiply({weights_.precision().type, rows, config_.vocabulary, config_.hidden,
                        static_cast<const char*>(normed) + first * config_.hidden * kHalfBytes,
                        weights_.at(weights_.head().weight), logits_.data(), stride_, true},
                       device_.stream());
  }
  if (outputs.sampled > 0) {
    sample(batch);
  }
  device_.copy(delivered_.data(), results_.data(), places.logits * sizeof(float));
  for (int r = 0; r < outputs.logit_rows; r++) {
    device_.copy(delivered_.data<float>() + places.logits + static_cast<int64_t>(r) * config_.vocabulary,
                 logits_.data<float>() + (outputs.sampled + r) * stride_, config_.vocabulary * sizeof(float));
  }
}

void DeviceHead::score(const DeviceBatch& batch, const void* hidden, const void* normed) {
  const BatchShape& shape = batch.shape();
  const Results places = results(shape);
  gavel_cuda_head args{};
  args.type = weights_.precision().type;
  args.sequences = shape.outputs.scored;
  args.nodes = shape.outputs.nodes;
  args.width = config_.hidden;
  args.vocabulary = config_.vocabulary;
  args.residual = hidden;
  args.normed = normed;
  args.norm_weight = weights_.at(weights_.final_norm());
  args.epsilon = static_cast<float>(config_.rms_epsilon);
  args.head = weights_.at(weights_.head().weight);
  args.candidates = shape.labels.candidates;
  args.candidate_tokens = batch.at(batch.labels.candidate_tokens);
  args.candidate_nodes = batch.at(batch.labels.candidate_nodes);
  args.labels = shape.labels.labels;
  args.label_offsets = batch.at(batch.labels.label_offsets);
  args.form_offsets = batch.at(batch.labels.form_offsets);
  args.form_steps = batch.at(batch.labels.form_steps);
  args.normalizers = args.nodes > 1 || shape.labels.mass;
  args.workspace = workspace_.data();
  args.log_probabilities = results_.data<float>() + places.label_log_probabilities;
  args.log_mass = shape.labels.mass ? results_.data<float>() + places.label_log_mass : nullptr;
  device_.launch(&gavel_cuda_table::head, args);
}

// The sampled rows are the first of the logits.
void DeviceHead::sample(const DeviceBatch& batch) {
  const Results places = results(batch.shape());
  gavel_cuda_sampler args{};
  args.logits_type = -1;
  args.rows = batch.shape().outputs.sampled;
  args.vocabulary = config_.vocabulary;
  args.stride = stride_;
  args.logits = logits_.data();
  args.temperatures = batch.at(batch.sampling.temperatures);
  args.top_ks = batch.at(batch.sampling.top_ks);
  args.top_ps = batch.at(batch.sampling.top_ps);
  args.seeds = batch.at(batch.sampling.seeds);
  args.draws = batch.at(batch.sampling.draws);
  args.tokens = results_.data<int32_t>() + places.tokens;
  args.log_probabilities = results_.data<float>() + places.log_probabilities;
  device_.launch(&gavel_cuda_table::sampler, args);
}

void DeviceHead::deliver(const Plan& plan, const DeviceBatch& batch, const gavel_outputs& outputs) const {
  const Results places = results(batch.shape());
  const auto give = [&](void* to, int64_t place, int64_t count) {
    if (count > 0) {
      std::memcpy(to, delivered_.data<float>() + place, count * sizeof(float));
    }
  };
  const int64_t labels = plan.scored > 0 ? plan.labels->count() : 0;
  if (plan.scored > 0) {
    give(outputs.label_log_probabilities, places.label_log_probabilities, plan.scored * labels);
    give(outputs.label_log_mass, places.label_log_mass, plan.batch->label_mass != 0 ? plan.scored : 0);
  }
  give(outputs.sampled_tokens, places.tokens, plan.sampled);
  give(outputs.sampled_log_probabilities, places.log_probabilities, plan.sampled);
  give(outputs.logits, places.logits, static_cast<int64_t>(plan.logit_rows) * config_.vocabulary);
}

int64_t DeviceHead::workspace_bytes() const {
  return static_cast<int64_t>(workspace_.bytes() + logits_.bytes() + results_.bytes());
}

}  // namespace gavel
