// The sparse feed-forward of Qwen3-MoE: each row goes through the few experts its router prefers.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/forward.h"
#include "model/rotation.h"

namespace gavel {

namespace {

// Softmax over all experts, then the best `picks` of them, best first; the lower index wins a tie.
void choose(float* logits, int experts, int picks, bool normalize, int* chosen, float* weights) {
  const float highest = *std::max_element(logits, logits + experts);
  float sum = 0;
  for (int e = 0; e < experts; e++) {
    logits[e] = std::exp(logits[e] - highest);
    sum += logits[e];
  }
  float kept = 0;
  for (int p = 0; p < picks; p++) {
    const int best = static_cast<int>(std::max_element(logits, logits + experts) - logits);
    chosen[p] = best;
    weights[p] = logits[best] / sum;
    kept += weights[p];
    logits[best] = -1;
  }
  for (int p = 0; p < picks && normalize; p++) {
    weights[p] /= kept;
  }
}

}  // namespace

void Forward::route(const Layer& layer, const Block& block, Routing& routing) {
  Workspace& ws = workspaces_[block.thread];
  const int picks = config_.experts_per_token;
  const int pairs = block.count * picks;
  point_at(block, ws.normed.data(), config_.hidden);
  pack(layer.router, block, nullptr);
  linear(layer.router, block, ws.router.data(), config_.experts, Epilogue::kStore);
  routing.weights.resize(pairs);
  std::vector<int> chosen(pairs);
  for (int i = 0; i < block.count; i++) {
    choose(ws.router.data() + static_cast<int64_t>(i) * config_.experts, config_.experts, picks,
           config_.normalize_experts != 0, chosen.data() + i * picks, routing.weights.data() + i * picks);
  }
  routing.begins.assign(config_.experts + 1, 0);
  for (int expert : chosen) {
    routing.begins[expert + 1]++;
  }
  std::partial_sum(routing.begins.begin(), routing.begins.end(), routing.begins.begin());
  routing.order.resize(pairs);
  std::iota(routing.order.begin(), routing.order.end(), 0);
  std::stable_sort(routing.order.begin(), routing.order.end(), [&](int a, int b) { return chosen[a] < chosen[b]; });
}

// The pairs' rows through one expert; routed[pair] receives the result.
void Forward::run_expert(const Expert& expert, float* normed, const int* pairs, int count, float* routed, int thread) {
  Workspace& ws = workspaces_[thread];
  const int hidden = config_.hidden;
  const int width = config_.expert_intermediate;
  ws.row_pointers.resize(count);
  for (int i = 0; i < count; i++) {
    ws.row_pointers[i] = normed + static_cast<int64_t>(pairs[i] / config_.experts_per_token) * hidden;
  }
  const Block block = {thread, false, nullptr, count, nullptr};
  pack(expert.gate_up, block, nullptr);
  linear(expert.gate_up, block, ws.activation.data(), width, Epilogue::kSwiglu);
  point_at(block, ws.activation.data(), width);
  pack(expert.down, block, nullptr, hadamard_block(width));
  linear(expert.down, block, ws.expert_out.data(), hidden, Epilogue::kStore);
  for (int i = 0; i < count; i++) {
    std::copy_n(ws.expert_out.data() + static_cast<int64_t>(i) * hidden, hidden,
                routed + static_cast<int64_t>(pairs[i]) * hidden);
  }
}

void Forward::sparse_feed_forward(int index, const Block& block) {
  const Layer& layer = weights_.layers()[index];
  Workspace& ws = workspaces_[block.thread];
  Routing& routing = routings_[block.thread];
  const int hidden = config_.hidden;
  const int picks = config_.experts_per_token;
  kernels_.rms_norm({block.x, hidden, block.count, hidden, layer.feed_forward_norm.data(),
                     static_cast<float>(config_.rms_epsilon), ws.normed.data(), hidden});
  route(layer, block, routing);
  const auto body = [&](int64_t expert, int thread) {
    const int begin = routing.begins[expert];
    const int count = routing.begins[expert + 1] - begin;
    if (count > 0) {
      run_expert(layer.experts[expert], ws.normed.data(), routing.order.data() + begin, count, ws.routed.data(),
                 thread);
    }
  };
  if (block.wide) {
    pool_.run(config_.experts, body);
  } else {
    for (int expert = 0; expert < config_.experts; expert++) {
      body(expert, block.thread);
    }
  }
  for (int i = 0; i < block.count; i++) {
    float* x = block.x + static_cast<int64_t>(i) * hidden;
    for (int p = i * picks; p < (i + 1) * picks; p++) {
      const float* routed = ws.routed.data() + static_cast<int64_t>(p) * hidden;
      for (int d = 0; d < hidden; d++) {
        x[d] += routing.weights[p] * routed[d];
      }
    }
  }
}

}  // namespace gavel
