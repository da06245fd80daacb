#include "model/head.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace gavel {

namespace {

constexpr int kChunkPanels = 32;  // panels of the vocabulary per task

double log_sum(const std::vector<double>& terms) {
  const double highest = *std::max_element(terms.begin(), terms.end());
  if (highest == -INFINITY) {
    return highest;
  }
  double sum = 0;
  for (double term : terms) {
    sum += std::exp(term - highest);
  }
  return highest + std::log(sum);
}

}  // namespace

Head::Head(const Config& config, const Kernels& kernels, const Weights& weights, ThreadPool& pool)
    : config_(config),
      kernels_(kernels),
      weights_(weights),
      pool_(pool),
      chunk_logits_(static_cast<size_t>(pool.threads()) * kernels.tile * kChunkPanels * kernels.panel),
      samplers_(pool.threads(), Sampler(kernels)) {}

void Head::run(const Plan& plan, const float* hidden, const gavel_outputs& outputs) {
  require_finite(plan, hidden);
  if (plan.scored > 0) {
    score(plan, hidden, outputs);
  }
  if (plan.sampled > 0) {
    sample(plan, hidden, outputs);
  }
  if (plan.logit_rows > 0) {
    rows_.clear();
    for (size_t i = 0; i < plan.outputs.size(); i++) {
      if (plan.outputs[i].kind == GAVEL_OUTPUT_LOGITS) {
        rows_.push_back(static_cast<int>(i));
      }
    }
    logits(rows_, hidden, outputs.logits, nullptr);
  }
}

// Before the vocabulary's product rounds them to int8, which makes numbers of what is none.
void Head::require_finite(const Plan& plan, const float* hidden) const {
  const float* end = hidden + static_cast<int64_t>(plan.outputs.size()) * config_.hidden;
  const float* found = std::find_if(hidden, end, [](float value) { return !std::isfinite(value); });
  if (found != end) {
    fail(GAVEL_INTERNAL, "cpu: expected finite results, found %g in a hidden state", static_cast<double>(*found));
  }
}

// For label columns: fp32, in the model's own coordinates.
void Head::pack(const std::vector<int>& rows, const float* hidden) {
  const int width = config_.hidden;
  packed_.reserve(rows.size() * width);
  unrotated_.reserve(rows.size() * width);
  row_pointers_.resize(rows.size());
  for (size_t i = 0; i < rows.size(); i++) {
    row_pointers_[i] = unrotated_.data() + i * width;
    std::copy_n(hidden + static_cast<int64_t>(rows[i]) * width, width, row_pointers_[i]);
    weights_.unrotate(row_pointers_[i]);
  }
  kernels_.pack_rows({row_pointers_.data(), static_cast<int>(rows.size()), width, weights_.final_norm(),
                      static_cast<float>(config_.rms_epsilon), packed_.data()});
}

// For the whole vocabulary, as the head wants its rows.
void Head::pack_for_vocabulary(const std::vector<int>& rows, const float* hidden) {
  if (!weights_.head().is_int8()) {
    pack(rows, hidden);
    return;
  }
  const int width = config_.hidden;
  unrotated_.reserve(rows.size() * width);
  row_pointers_.resize(rows.size());
  for (size_t i = 0; i < rows.size(); i++) {
    row_pointers_[i] = unrotated_.data() + i * width;
    std::copy_n(hidden + static_cast<int64_t>(rows[i]) * width, width, row_pointers_[i]);
  }
  const int count = static_cast<int>(rows.size());
  const Int8Inputs& inputs = weights_.head().inputs;
  quantized_.reserve(count, inputs, kernels_.int8_layout);
  kernels_.quantize_rows(
      {row_pointers_.data(), count, inputs, 0, static_cast<float>(config_.rms_epsilon), quantized_.rows()});
}

// Logits of some packed rows (from a tile's border on) in some panels; out is row_begin's at the first
// of the panels.
void Head::multiply_vocabulary(int row_begin, int row_end, int panel_begin, int panel_end, float* out, int64_t stride) {
  const Linear& head = weights_.head();
  const int rows = row_end - row_begin;
  const int panels = panel_end - panel_begin;
  const int columns = head.columns - panel_begin * kernels_.panel;
  const int64_t panel_offset = static_cast<int64_t>(panel_begin) * kernels_.panel;
  if (head.is_int8()) {
    const int dwords = kernels_.int8_layout.dwords(head.inputs);
    kernels_.gemm_int8({quantized_.rows().from(row_begin, head.inputs, dwords), rows, head.inputs,
                        head.packed_int8.data() + panel_offset * dwords * kernels_.int8_layout.group,
                        head.column_scales.data() + panel_offset,
                        head.outlier_weights.data() + panel_offset * head.inputs.outliers, 0, panels, columns, out,
                        stride, Epilogue::kStore, nullptr});
  } else {
    kernels_.gemm_f32({packed_.data() + static_cast<int64_t>(row_begin) * head.k, rows, head.k,
                       head.packed.data() + panel_offset * head.k, 0, panels, columns, out, stride, Epilogue::kStore,
                       nullptr});
  }
}

bool Head::needs_normalizer(const Plan& plan, const PlannedOutput& output) const {
  return output.kind == GAVEL_OUTPUT_LABELS && (output.node > 0 || plan.batch->label_mass != 0);
}

void Head::score(const Plan& plan, const float* hidden, const gavel_outputs& outputs) {
  candidates(plan, hidden);
  normalizers(plan, hidden);
  label_log_probabilities(plan, outputs);
}

// Logits of the next tokens that some label's form has at each node.
void Head::candidates(const Plan& plan, const float* hidden) {
  const std::vector<LabelNode>& nodes = plan.labels->nodes();
  candidate_logits_.resize(plan.outputs.size());
  std::vector<float> block;
  for (size_t n = 0; n < nodes.size(); n++) {
    rows_.clear();
    for (size_t i = 0; i < plan.outputs.size(); i++) {
      if (plan.outputs[i].kind == GAVEL_OUTPUT_LABELS && plan.outputs[i].node == static_cast<int>(n)) {
        rows_.push_back(static_cast<int>(i));
      }
    }
    const HeadRows& head = nodes[n].head;
    const size_t width = nodes[n].candidates.size();
    block.resize(rows_.size() * width);
    pack(rows_, hidden);
    kernels_.gemm_f32({packed_.data(), static_cast<int>(rows_.size()), config_.hidden, head.packed.data(), 0,
                       head.panels, head.columns, block.data(), static_cast<int64_t>(width), Epilogue::kStore,
                       nullptr});
    for (size_t i = 0; i < rows_.size(); i++) {
      candidate_logits_[rows_[i]].assign(block.begin() + i * width, block.begin() + (i + 1) * width);
    }
  }
}

// Streams the vocabulary past the rows in chunks of fixed size, merged in order, so that the result
// does not depend on the number of threads.
void Head::normalizers(const Plan& plan, const float* hidden) {
  rows_.clear();
  for (size_t i = 0; i < plan.outputs.size(); i++) {
    if (needs_normalizer(plan, plan.outputs[i])) {
      rows_.push_back(static_cast<int>(i));
    }
  }
  if (rows_.empty()) {
    return;
  }
  pack_for_vocabulary(rows_, hidden);
  const Linear& head = weights_.head();
  const int tile = kernels_.tile;
  const int count = static_cast<int>(rows_.size());
  const int columns = kChunkPanels * kernels_.panel;
  partial_sums_.assign(count * chunks(), LogSum::empty());
  pool_.run(chunks(), [&](int64_t chunk, int thread) {
    float* out = chunk_logits_.data() + static_cast<int64_t>(thread) * tile * columns;
    const int panel = static_cast<int>(chunk) * kChunkPanels;
    const int64_t width = std::min<int64_t>(columns, head.columns - chunk * columns);
    for (int begin = 0; begin < count; begin += tile) {
      const int end = std::min(count, begin + tile);
      multiply_vocabulary(begin, end, panel, std::min(head.panels, panel + kChunkPanels), out, columns);
      for (int r = begin; r < end; r++) {
        kernels_.log_sum_exp(out + static_cast<int64_t>(r - begin) * columns, width,
                             &partial_sums_[r * chunks() + chunk]);
      }
    }
  });
  normalizers_.resize(plan.outputs.size());
  for (int i = 0; i < count; i++) {
    normalizers_[rows_[i]] = normalizer(i);
  }
}

int64_t Head::chunks() const { return (weights_.head().panels + kChunkPanels - 1) / kChunkPanels; }

// log-sum-exp of the vocabulary, of a row in question.
double Head::normalizer(int row) const {
  LogSum sum = LogSum::empty();
  for (int64_t chunk = 0; chunk < chunks(); chunk++) {
    sum = LogSum::merge(sum, partial_sums_[row * chunks() + chunk]);
  }
  return sum.log();
}

// A label's weight is the sum over its forms of the product over the form's steps. The root's
// normalizer is common to all forms and cancels in the distribution.
void Head::label_log_probabilities(const Plan& plan, const gavel_outputs& outputs) const {
  const int nodes = static_cast<int>(plan.labels->nodes().size());
  const int labels = plan.labels->count();
  std::vector<int> at(static_cast<size_t>(plan.scored) * nodes);  // output of a scored sequence's node
  for (size_t i = 0; i < plan.outputs.size(); i++) {
    if (plan.outputs[i].kind == GAVEL_OUTPUT_LABELS) {
      at[static_cast<size_t>(plan.outputs[i].index) * nodes + plan.outputs[i].node] = static_cast<int>(i);
    }
  }
  std::vector<std::vector<double>> terms(labels);
  std::vector<double> weights(labels);
  for (int s = 0; s < plan.scored; s++) {
    for (std::vector<double>& label : terms) {
      label.clear();
    }
    for (const LabelForm& form : plan.labels->forms()) {
      double weight = 0;
      for (size_t step = 0; step < form.nodes.size(); step++) {
        const int output = at[static_cast<size_t>(s) * nodes + form.nodes[step]];
        weight += candidate_logits_[output][form.candidates[step]] - (form.nodes[step] > 0 ? normalizers_[output] : 0);
      }
      terms[form.label].push_back(weight);
    }
    std::transform(terms.begin(), terms.end(), weights.begin(), log_sum);
    const double total = log_sum(weights);
    for (int l = 0; l < labels; l++) {
      outputs.label_log_probabilities[static_cast<int64_t>(s) * labels + l] = static_cast<float>(weights[l] - total);
    }
    if (plan.batch->label_mass != 0) {
      outputs.label_log_mass[s] = static_cast<float>(total - normalizers_[at[static_cast<size_t>(s) * nodes]]);
    }
  }
}

// sums: [rows, chunks] or null.
void Head::logits(const std::vector<int>& rows, const float* hidden, float* out, LogSum* sums) {
  pack_for_vocabulary(rows, hidden);
  const Linear& head = weights_.head();
  const int count = static_cast<int>(rows.size());
  pool_.run(chunks(), [&](int64_t chunk, int) {
    const int begin = static_cast<int>(chunk) * kChunkPanels;
    const int end = std::min(head.panels, begin + kChunkPanels);
    float* target = out + static_cast<int64_t>(begin) * kernels_.panel;
    multiply_vocabulary(0, count, begin, end, target, head.columns);
    const int width = std::min(end * kernels_.panel, head.columns) - begin * kernels_.panel;
    for (int r = 0; r < count && sums != nullptr; r++) {
      kernels_.log_sum_exp(target + static_cast<int64_t>(r) * head.columns, width, sums + r * chunks() + chunk);
    }
  });
}

void Head::sample(const Plan& plan, const float* hidden, const gavel_outputs& outputs) {
  rows_.clear();
  for (size_t i = 0; i < plan.outputs.size(); i++) {
    if (plan.outputs[i].kind == GAVEL_OUTPUT_SAMPLE) {
      rows_.push_back(static_cast<int>(i));
    }
  }
  const int vocabulary = config_.vocabulary;
  logits_.reserve(rows_.size() * vocabulary);
  partial_sums_.resize(rows_.size() * chunks());
  logits(rows_, hidden, logits_.data(), partial_sums_.data());
  const gavel_batch& batch = *plan.batch;
  pool_.run(static_cast<int64_t>(rows_.size()), [&](int64_t i, int thread) {
    const float* row = logits_.data() + i * vocabulary;
    const int sequence = plan.outputs[rows_[i]].sequence;
    const SamplerSettings settings = {batch.temperatures[sequence], batch.top_ks[sequence], batch.top_ps[sequence],
                                      static_cast<uint64_t>(batch.seeds[sequence]),
                                      static_cast<uint32_t>(batch.draws[sequence])};
    const double log_sum = normalizer(static_cast<int>(i));
    // There is nothing to draw from a row without a distribution; the engine fails for its log-probability.
    const int32_t token = std::isfinite(log_sum) ? samplers_[thread].sample(row, vocabulary, settings) : -1;
    outputs.sampled_tokens[i] = token;
    outputs.sampled_log_probabilities[i] = token < 0 ? NAN : static_cast<float>(row[token] - log_sum);
  });
}

int64_t Head::workspace_bytes() const {
  return static_cast<int64_t>(packed_.bytes() + quantized_.bytes() + unrotated_.bytes() + logits_.bytes() +
                              chunk_logits_.bytes());
}

}  // namespace gavel
