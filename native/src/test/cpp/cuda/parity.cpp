#include "parity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "model/cpu_engine.h"
#include "model/sampler.h"
#include "parity_batch.h"
#include "parity_golden.h"
#include "parity_model.h"
#include "parity_precision.h"
#include "support/error.h"

namespace parity {

namespace {

// One checkpoint in both engines.
class Pair {
 public:
  Pair(const Checkpoint& checkpoint, const Target& target)
      : name_(std::string(target.precision.name) + " " + checkpoint.name),
        vocabulary_(checkpoint.config.vocabulary),
        ranks_(target.ranks),
        fp8_(target.precision.fp8()) {
    on_cpu_ = std::make_unique<gavel::CpuEngine>(checkpoint.shape());
    on_device_ = target.engine(checkpoint.shape());
    checkpoint.load(*on_cpu_);
    checkpoint.load(*on_device_);
    limit_ = target.limit(checkpoint.config.layers);
    label_limit_ = label_limit(limit_);
    // Labels of one token, and labels that share their first one.
    const int32_t form_labels[] = {0, 1, 1, 2, 2};
    const int32_t offsets[] = {0, 1, 2, 4, 6, 9};
    const int32_t tokens[] = {5, 9, 17, 3, 17, 4, 20, 21, 22};
    for (const int forms : {2, 5}) {
      const int labels = forms == 2 ? 2 : 3;
      cpu_labels_.push_back(on_cpu_->labels(labels, forms, form_labels, offsets, tokens));
      device_labels_.push_back(on_device_->labels(labels, forms, form_labels, offsets, tokens));
    }
  }

  // Runs the batch on both and compares all results.
  void compare(const std::string& what, const Batch& batch, int labels, bool mass) {
    const Results cpu = run(*on_cpu_, batch, *cpu_labels_[labels], mass);
    const Results device = run(*on_device_, batch, *device_labels_[labels], mass);
    const std::string title = name_ + ", " + what;
    if (!cpu.logits.empty()) {
      compare_logits(title, cpu.logits, device.logits);
    }
    for (size_t i = 0; i < cpu.label_log_probabilities.size(); i++) {
      expect_at_most(title + ", label", std::fabs(cpu.label_log_probabilities[i] - device.label_log_probabilities[i]),
                     label_limit_);
    }
    for (size_t i = 0; mass && i < cpu.label_log_mass.size(); i++) {
      expect_at_most(title + ", mass", std::fabs(cpu.label_log_mass[i] - device.label_log_mass[i]), label_limit_);
    }
    compare_samples(title, batch, device, labels, mass);
  }

  void expect_cancelled(const Batch& batch) {
    const int32_t raised = 1;
    gavel_batch view = batch.view(false);
    view.cancel = &raised;
    view.labels = nullptr;
    vector<float> logits(batch.parents.size() * vocabulary_);
    gavel_outputs outputs{};
    outputs.logits = logits.data();
    int32_t status = GAVEL_OK;
    try {
      on_device_->run(view, device_labels_[0].get(), outputs);
    } catch (const gavel::Error& error) {
      status = error.status();
    }
    expect(status == GAVEL_CANCELLED, name_ + ": expected a cancelled batch to say so");
    gavel_info info{};
    on_device_->info(info);
    expect(info.cancelled_batches == 1, name_ + ": expected one cancelled batch");
  }

  void expect_same_shape(const Checkpoint& checkpoint) const {
    gavel_info cpu{};
    gavel_info device{};
    on_cpu_->info(cpu);
    on_device_->info(device);
    expect(cpu.parameters == device.parameters && cpu.linear_parameters == device.linear_parameters,
           name_ + ": expected the same parameters");
    expect(2 * device.kv_bytes == cpu.kv_bytes && 2 * device.kv_bytes_per_token == cpu.kv_bytes_per_token,
           name_ + ": expected half of the CPU's fp32 keys and values");
    // All ranks hold what reads or writes whole rows; the rest is dealt out.
    int64_t bytes = 0;
    for (const auto& [name, tensor] : checkpoint.tensors) {
      bytes += weight_bytes(name, tensor, checkpoint.config.layers);
    }
    const int64_t padding = static_cast<int64_t>(checkpoint.tensors.size()) * ranks_ * 2 * 256;
    expect(device.weight_bytes >= bytes && device.weight_bytes <= bytes + padding,
           name_ + ": expected " + std::to_string(bytes) + " bytes of weights and their padding, found " +
               std::to_string(device.weight_bytes));
  }

  // Of a tensor, over all ranks. In FP8 the matrices that are dealt out have a byte an element, but for the last
  // layer's down projection, and a scale a row; those of which ranks have columns, on each.
  int64_t weight_bytes(const std::string& name, const Tensor& tensor, int layers) const {
    const auto elements = static_cast<int64_t>(tensor.bf16.size());
    const bool dealt_out = name.find("_proj.") != std::string::npos;
    const bool down = name.find("down_proj") != std::string::npos;
    const bool last = name.find("layers." + std::to_string(layers - 1) + ".") != std::string::npos;
    if (!fp8_ || !dealt_out || tensor.shape.size() == 1 || (down && last)) {
      return 2 * elements * (dealt_out ? 1 : ranks_);
    }
    const bool by_columns = down || name.find("o_proj") != std::string::npos;
    return elements + 4 * tensor.shape[0] * (by_columns ? ranks_ : 1);
  }

  // The largest error of logits so far, as a part of the limit.
  double worst() const { return worst_; }

  int64_t workspace() const {
    gavel_info info{};
    on_device_->info(info);
    return info.workspace_bytes;
  }

 private:
  Results run(gavel::Engine& engine, const Batch& batch, const gavel::Labels& labels, bool mass) const {
    return parity::run(engine, batch, &labels, mass, vocabulary_);
  }

  void compare_logits(const std::string& title, const vector<float>& cpu, const vector<float>& device) {
    const double relative = relative_error(cpu, device);
    worst_ = std::max(worst_, relative / limit_);
    expect_at_most(title + ", logits", relative, limit_);
  }

  // The same batch again with logits instead of samples: the CPU's sampler must draw the same from them.
  void compare_samples(const std::string& title, const Batch& batch, const Results& device, int labels, bool mass) {
    if (device.sampled_tokens.empty()) {
      return;
    }
    Batch again = batch;
    for (int32_t& output : again.outputs) {
      output = output == GAVEL_OUTPUT_SAMPLE   ? GAVEL_OUTPUT_LOGITS
               : output == GAVEL_OUTPUT_LOGITS ? GAVEL_OUTPUT_NONE
                                               : output;
    }
    const Results logits = run(*on_device_, again, *device_labels_[labels], mass);
    gavel::Sampler sampler(gavel::best_kernels());
    size_t index = 0;
    for (size_t s = 0; s < batch.outputs.size(); s++) {
      if (batch.outputs[s] != GAVEL_OUTPUT_SAMPLE) {
        continue;
      }
      const float* row = logits.logits.data() + index * vocabulary_;
      const int32_t token =
          sampler.sample(row, vocabulary_,
                         {batch.temperatures[s], batch.top_ks[s], batch.top_ps[s],
                          static_cast<uint64_t>(batch.seeds[s]), static_cast<uint32_t>(batch.draws[s])});
      expect(token == device.sampled_tokens[index], title + ", sample: expected " + std::to_string(token) + ", found " +
                                                        std::to_string(device.sampled_tokens[index]));
      double sum = 0;
      for (int v = 0; v < vocabulary_; v++) {
        sum += std::exp(static_cast<double>(row[v]) - row[token]);
      }
      expect_at_most(title + ", log-probability", std::fabs(-std::log(sum) - device.sampled_log_probabilities[index]),
                     1e-4);
      index++;
    }
  }

  const std::string name_;
  const int vocabulary_;
  const int ranks_;
  const bool fp8_;
  double limit_ = 0;  // of the relative error of logits
  double label_limit_ = 0;
  double worst_ = 0;
  std::unique_ptr<gavel::Engine> on_cpu_;
  std::unique_ptr<gavel::Engine> on_device_;
  vector<std::unique_ptr<gavel::Labels>> cpu_labels_;
  vector<std::unique_ptr<gavel::Labels>> device_labels_;
};

void compare_all(Pair& pair, const Checkpoint& checkpoint, int ranks, std::mt19937_64& generator) {
  const int vocabulary = checkpoint.config.vocabulary;
  const int longest = checkpoint.config.layers > 1 ? 75 : ranks > 1 ? 290 : 530;
  const auto tokens = [&](int count) { return random_tokens(count, vocabulary, generator); };
  // A prefix that is kept, its items in the same batch, and strangers.
  Batch shared;
  shared.add(tokens(21), -1, {}, 0, GAVEL_OUTPUT_NONE);
  for (const int length : {5, 1, 19, 1, 8}) {
    shared.add(tokens(length), 0, {}, -1, length == 8 ? GAVEL_OUTPUT_LABELS : GAVEL_OUTPUT_LOGITS);
  }
  shared.add(tokens(7), -1, {}, -1, GAVEL_OUTPUT_LABELS);
  shared.add(tokens(3), 3, {}, -1, GAVEL_OUTPUT_SAMPLE);
  shared.add(tokens(1), -1, {}, 4, GAVEL_OUTPUT_SAMPLE);
  pair.compare("shared prefix", shared, 0, false);
  pair.compare("shared prefix, forms of several tokens", shared, 1, true);
  // The kept prefix as a chain; outputs of all kinds in no order.
  Batch chained;
  const int kinds[] = {GAVEL_OUTPUT_LOGITS, GAVEL_OUTPUT_LABELS, GAVEL_OUTPUT_SAMPLE,
                       GAVEL_OUTPUT_LABELS, GAVEL_OUTPUT_LOGITS, GAVEL_OUTPUT_SAMPLE};
  for (int s = 0; s < 6; s++) {
    chained.add(tokens(1 + s * s % 7), -1, {0, 21}, 8 + s, kinds[s]);
  }
  pair.compare("chains", chained, 1, false);
  pair.compare("chains, label mass", chained, 0, true);
  // Streams of one row each, and a long one whose keys are split.
  Batch prompt;
  prompt.add(tokens(longest), -1, {}, 20, GAVEL_OUTPUT_NONE);
  pair.compare("a batch that only keeps", prompt, 0, false);
  Batch decode;
  decode.add(tokens(1), -1, {20, longest}, -1, GAVEL_OUTPUT_LOGITS);
  decode.add(tokens(1), -1, {0, 21}, -1, GAVEL_OUTPUT_SAMPLE);
  decode.add(tokens(1), -1, {20, longest}, -1, GAVEL_OUTPUT_LABELS);
  pair.compare("decoding", decode, 1, true);
  const int64_t workspace = pair.workspace();
  pair.compare("chains again", chained, 1, false);
  expect(pair.workspace() == workspace, "workspace: expected no allocation after warm-up");
  pair.expect_cancelled(prompt);
  pair.compare("after a cancelled batch", decode, 0, false);
  pair.expect_same_shape(checkpoint);
}

// All prompts of a golden in one batch, beside what Transformers says of them.
void compare_golden(const Target& target, const std::string& folder) {
  const Golden golden = read_golden(folder);
  const std::unique_ptr<gavel::Engine> engine = target.engine(golden.config);
  golden.load(*engine);
  Batch batch;
  for (const vector<int32_t>& prompt : golden.prompts) {
    batch.add(prompt, -1, {}, -1, GAVEL_OUTPUT_LOGITS);
  }
  vector<float> logits(golden.logits.size(), NAN);
  gavel_outputs outputs{};
  outputs.logits = logits.data();
  engine->run(batch.view(false), nullptr, outputs);
  // Its weights are not of bf16, so each of a layer's products has a rounding more.
  const double limit = target.limit(golden.config.layers, 4);
  const double relative = relative_error(vector<float>(golden.logits.begin(), golden.logits.end()), logits);
  expect_at_most(folder + ", logits", relative, limit);
  std::printf("%-4s %-30s logits within %.2f of the limit\n", target.precision.name, "Transformers", relative / limit);
}

void compare_engines(const Target& target, uint64_t seed) {
  std::mt19937_64 generator(seed);
  // Where a router hangs on a rounding, another expert is no mistake: sparse cases are ones where none does. With
  // inputs in e4m3 there are always some.
  std::mt19937_64 fixed(target.ranks > 1 ? 2 : 1);
  const vector<Checkpoint> dense = checkpoints(generator, target.ranks, target.precision.step);
  const vector<Checkpoint> sparse = checkpoints(fixed, target.ranks, target.precision.step);
  // Ranks deal out all precisions alike: one checkpoint is enough of those beside bf16.
  const bool all = target.ranks == 1 || target.precision.quantization == GAVEL_QUANTIZATION_BF16;
  for (size_t i = 0; i < (all ? dense.size() : 1); i++) {
    const bool routed = dense[i].config.experts > 0;
    const Checkpoint& checkpoint = routed ? sparse[i] : dense[i];
    if (!routed || !target.precision.fp8()) {
      Pair pair(checkpoint, target);
      compare_all(pair, checkpoint, target.ranks, routed ? fixed : generator);
      std::printf("%-4s %-30s logits within %.2f of the limit\n", target.precision.name, checkpoint.name, pair.worst());
    }
    if (target.ranks == 1) {
      compare_simulation(target, checkpoint, generator);
    }
  }
}

}  // namespace

int run(const MakeEngine& make, int ranks, const std::string& golden, uint64_t seed) {
  try {
    for (const Precision& precision : kPrecisions) {
      const Target target = {make, ranks, precision};
      // Four ranks are as two.
      if (ranks > 2 && precision.quantization != GAVEL_QUANTIZATION_BF16) {
        continue;
      }
      if (!target.available()) {
        std::printf("%-4s skipped: the device has compute capability below 8.9\n", precision.name);
        continue;
      }
      if (!golden.empty() && !precision.fp8()) {  // the golden's widths are not multiples of 16
        compare_golden(target, golden);
      }
      compare_engines(target, seed);
    }
    if (ranks == 1) {
      compare_refusals(make);
    }
  } catch (const gavel::Error& error) {
    std::printf("FAILED: status %d, %s\n", error.status(), error.what());
    return 1;
  }
  std::printf("%d checks, %d failed\n", checks(), failures());
  return failures() == 0 ? 0 : 1;
}

int run_older(const MakeEngine& make) {
  const int before = failures();
  refuse_older(make);
  return failures() == before ? 0 : 1;
}

}  // namespace parity
