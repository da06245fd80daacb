// From hidden states to what was asked for: label log-probabilities, sampled tokens, logits.
//
// Label columns of the head only, at the scored rows only. The whole vocabulary is passed over for
// label mass, for labels of several tokens (their inner steps are conditional probabilities) and for
// sampling; for the first two as a streamed log-sum-exp, never as a logit matrix. The label columns
// are always fp32; the whole vocabulary is int8 where the linear layers are.
#pragma once

#include <vector>

#include "kernels/kernels.h"
#include "model/int8_rows.h"
#include "model/plan.h"
#include "model/sampler.h"
#include "model/weights.h"
#include "support/buffer.h"
#include "support/thread_pool.h"

namespace gavel {

class Head {
 public:
  Head(const Config& config, const Kernels& kernels, const Weights& weights, ThreadPool& pool);

  // hidden: [plan.outputs, hidden], before the final norm. Writes the outputs that the plan yields. Fails with INTERNAL
  // where a hidden state is not finite.
  void run(const Plan& plan, const float* hidden, const gavel_outputs& outputs);

  int64_t workspace_bytes() const;

 private:
  void require_finite(const Plan& plan, const float* hidden) const;
  void score(const Plan& plan, const float* hidden, const gavel_outputs& outputs);
  void candidates(const Plan& plan, const float* hidden);
  void normalizers(const Plan& plan, const float* hidden);
  void label_log_probabilities(const Plan& plan, const gavel_outputs& outputs) const;
  void sample(const Plan& plan, const float* hidden, const gavel_outputs& outputs);
  void logits(const std::vector<int>& rows, const float* hidden, float* out, LogSum* sums);
  int64_t chunks() const;
  double normalizer(int row) const;
  void pack(const std::vector<int>& rows, const float* hidden);
  void pack_for_vocabulary(const std::vector<int>& rows, const float* hidden);
  void multiply_vocabulary(int row_begin, int row_end, int panel_begin, int panel_end, float* out, int64_t stride);
  bool needs_normalizer(const Plan& plan, const PlannedOutput& output) const;

  const Config& config_;
  const Kernels& kernels_;
  const Weights& weights_;
  ThreadPool& pool_;
  Buffer<float> packed_;        // rows normed and packed
  Int8Buffer quantized_;        // the same in int8
  Buffer<float> unrotated_;     // [rows, hidden]
  Buffer<float> logits_;        // [sampled, vocabulary]
  Buffer<float> chunk_logits_;  // [threads, tile, chunk columns]
  std::vector<float*> row_pointers_;
  std::vector<int> rows_;                             // scratch: outputs in question
  std::vector<std::vector<float>> candidate_logits_;  // [outputs][candidates of the node]
  std::vector<LogSum> partial_sums_;                  // [rows in question, chunks]
  std::vector<double> normalizers_;                   // [outputs] log-sum-exp of the vocabulary
  std::vector<Sampler> samplers_;                     // [threads]
};

}  // namespace gavel
