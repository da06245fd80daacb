#include "parity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "model/cpu_engine.h"
#include "model/sampler.h"
#include "parity_golden.h"
#include "parity_model.h"
#include "support/error.h"

namespace parity {

namespace {

using std::vector;

constexpr double kRounding = 0x1p-9;  // bf16, relative
// Of the stream, its norms, queries, keys, values, weights of attention, its result, both products, activations.
constexpr double kRoundings = 12;

// Of logits, for so many roundings a layer and rank.
double relative_limit(double roundings, int ranks, int layers) {
  return 3 * kRounding * std::sqrt((roundings + 2 * (ranks - 1)) * layers);
}

int checks = 0;
int failures = 0;

void expect(bool condition, const std::string& what) {
  checks++;
  if (!condition && failures++ < 20) {
    std::printf("FAILED %s\n", what.c_str());
  }
}

void expect_at_most(const std::string& what, double found, double limit) {
  char text[96];
  std::snprintf(text, sizeof text, ": expected at most %.3g, found %.3g", limit, found);
  expect(found <= limit, what + text);
}

// A batch of the seam that owns its arrays.
struct Batch {
  vector<int32_t> token_offsets{0}, tokens, parents, chain_offsets{0}, chain_blocks, chain_counts, keep_offsets{0},
      keep_blocks, keep_starts, outputs, top_ks, draws;
  vector<float> temperatures, top_ps;
  vector<int64_t> seeds;

  struct Chain {
    int first_block = 0;
    int tokens = 0;  // in blocks of 16, one after the other
  };

  void add(const vector<int32_t>& own, int parent, Chain chain, int keep_block, int output) {
    tokens.insert(tokens.end(), own.begin(), own.end());
    token_offsets.push_back(static_cast<int32_t>(tokens.size()));
    parents.push_back(parent);
    for (int left = chain.tokens, block = chain.first_block; left > 0; left -= 16, block++) {
      chain_blocks.push_back(block);
      chain_counts.push_back(std::min(left, 16));
    }
    chain_offsets.push_back(static_cast<int32_t>(chain_blocks.size()));
    for (int left = static_cast<int>(own.size()), block = keep_block; keep_block >= 0 && left > 0; left -= 16) {
      keep_blocks.push_back(block++);
    }
    keep_offsets.push_back(static_cast<int32_t>(keep_blocks.size()));
    keep_starts.push_back(0);
    outputs.push_back(output);
    const int index = static_cast<int>(outputs.size());
    temperatures.push_back(index % 3 == 0 ? 0.0f : 0.9f);
    top_ks.push_back(index % 2 == 0 ? 0 : 20);
    top_ps.push_back(index % 4 == 0 ? 1.0f : 0.95f);
    seeds.push_back(1000 + index);
    draws.push_back(index % 5);
  }

  gavel_batch view(bool mass) const {
    gavel_batch batch{};
    batch.sequences = static_cast<int32_t>(parents.size());
    batch.token_offsets = token_offsets.data();
    batch.tokens = tokens.data();
    batch.parents = parents.data();
    batch.chain_offsets = chain_offsets.data();
    batch.chain_blocks = chain_blocks.data();
    batch.chain_counts = chain_counts.data();
    batch.keep_offsets = keep_offsets.data();
    batch.keep_blocks = keep_blocks.data();
    batch.keep_starts = keep_starts.data();
    batch.outputs = outputs.data();
    batch.temperatures = temperatures.data();
    batch.top_ks = top_ks.data();
    batch.top_ps = top_ps.data();
    batch.seeds = seeds.data();
    batch.draws = draws.data();
    batch.label_mass = mass;
    return batch;
  }
};

struct Results {
  vector<float> label_log_probabilities, label_log_mass, sampled_log_probabilities, logits;
  vector<int32_t> sampled_tokens;
};

// One checkpoint in both engines.
class Pair {
 public:
  Pair(const Checkpoint& checkpoint, const MakeEngine& make, int ranks)
      : name_(checkpoint.name), vocabulary_(checkpoint.config.vocabulary), ranks_(ranks) {
    gavel_config config = checkpoint.config;
    config.dense_layers = checkpoint.dense_layers.empty() ? nullptr : checkpoint.dense_layers.data();
    on_cpu_ = std::make_unique<gavel::CpuEngine>(config);
    on_device_ = make(config);
    checkpoint.load(*on_cpu_);
    checkpoint.load(*on_device_);
    limit_ = relative_limit(kRoundings, ranks, config.layers);
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
    const std::string title = std::string(name_) + ", " + what;
    if (!cpu.logits.empty()) {
      compare_logits(title, cpu.logits, device.logits);
    }
    // A label's log-probability is a sum over at most three steps, each a logit less a log-sum of logits.
    for (size_t i = 0; i < cpu.label_log_probabilities.size(); i++) {
      expect_at_most(title + ", label", std::fabs(cpu.label_log_probabilities[i] - device.label_log_probabilities[i]),
                     logit_limit(6));
    }
    for (size_t i = 0; mass && i < cpu.label_log_mass.size(); i++) {
      expect_at_most(title + ", mass", std::fabs(cpu.label_log_mass[i] - device.label_log_mass[i]), logit_limit(6));
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
    expect(status == GAVEL_CANCELLED, std::string(name_) + ": expected a cancelled batch to say so");
    gavel_info info{};
    on_device_->info(info);
    expect(info.cancelled_batches == 1, std::string(name_) + ": expected one cancelled batch");
  }

  void expect_same_shape(const Checkpoint& checkpoint) const {
    gavel_info cpu{};
    gavel_info device{};
    on_cpu_->info(cpu);
    on_device_->info(device);
    expect(cpu.parameters == device.parameters && cpu.linear_parameters == device.linear_parameters,
           std::string(name_) + ": expected the same parameters");
    expect(2 * device.kv_bytes == cpu.kv_bytes && 2 * device.kv_bytes_per_token == cpu.kv_bytes_per_token,
           std::string(name_) + ": expected half of the CPU's fp32 keys and values");
    // All ranks hold what reads or writes whole rows; the rest is dealt out.
    int64_t bytes = 0;
    for (const auto& [name, tensor] : checkpoint.tensors) {
      bytes += static_cast<int64_t>(tensor.bf16.size() * 2) * (name.find("_proj.") == std::string::npos ? ranks_ : 1);
    }
    const int64_t padding = static_cast<int64_t>(checkpoint.tensors.size()) * ranks_ * 256;
    expect(device.weight_bytes >= bytes && device.weight_bytes <= bytes + padding,
           std::string(name_) + ": expected " + std::to_string(bytes) + " bytes of weights and their padding, found " +
               std::to_string(device.weight_bytes));
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
    Results results;
    const auto count = [&](int kind) {
      return static_cast<size_t>(std::count(batch.outputs.begin(), batch.outputs.end(), kind));
    };
    results.label_log_probabilities.assign(count(GAVEL_OUTPUT_LABELS) * labels.count(), NAN);
    results.label_log_mass.assign(count(GAVEL_OUTPUT_LABELS), NAN);
    results.sampled_tokens.assign(count(GAVEL_OUTPUT_SAMPLE), -1);
    results.sampled_log_probabilities.assign(count(GAVEL_OUTPUT_SAMPLE), NAN);
    results.logits.assign(count(GAVEL_OUTPUT_LOGITS) * vocabulary_, NAN);
    gavel_outputs outputs{};
    outputs.label_log_probabilities = results.label_log_probabilities.data();
    outputs.label_log_mass = results.label_log_mass.data();
    outputs.sampled_tokens = results.sampled_tokens.data();
    outputs.sampled_log_probabilities = results.sampled_log_probabilities.data();
    outputs.logits = results.logits.data();
    engine.run(batch.view(mass), &labels, outputs);
    return results;
  }

  // Of a logit, for so many roundings' sums; the random logits here have a deviation of three.
  double logit_limit(double terms) const { return limit_ * 3 * terms; }

  void compare_logits(const std::string& title, const vector<float>& cpu, const vector<float>& device) {
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < cpu.size(); i++) {
      error += std::pow(static_cast<double>(cpu[i]) - device[i], 2);
      size += std::pow(static_cast<double>(cpu[i]), 2);
    }
    const double relative = std::sqrt(error / size);
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
    gavel::Sampler sampler;
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

  const char* name_;
  const int vocabulary_;
  const int ranks_;
  double limit_ = 0;  // of the relative error of logits
  double worst_ = 0;
  std::unique_ptr<gavel::Engine> on_cpu_;
  std::unique_ptr<gavel::Engine> on_device_;
  vector<std::unique_ptr<gavel::Labels>> cpu_labels_;
  vector<std::unique_ptr<gavel::Labels>> device_labels_;
};

vector<int32_t> random_tokens(int count, int vocabulary, std::mt19937_64& generator) {
  vector<int32_t> tokens(count);
  for (int32_t& token : tokens) {
    token = std::uniform_int_distribution<int32_t>(0, vocabulary - 1)(generator);
  }
  return tokens;
}

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
void compare_golden(const MakeEngine& make, const std::string& folder) {
  const Golden golden = read_golden(folder);
  const std::unique_ptr<gavel::Engine> engine = make(golden.config);
  golden.load(*engine);
  Batch batch;
  for (const vector<int32_t>& prompt : golden.prompts) {
    batch.add(prompt, -1, {}, -1, GAVEL_OUTPUT_LOGITS);
  }
  vector<float> logits(golden.logits.size(), NAN);
  gavel_outputs outputs{};
  outputs.logits = logits.data();
  engine->run(batch.view(false), nullptr, outputs);
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < logits.size(); i++) {
    error += std::pow(golden.logits[i] - logits[i], 2);
    size += std::pow(golden.logits[i], 2);
  }
  // Its weights are not of bf16, so each of a layer's products has a rounding more.
  const double limit = relative_limit(kRoundings + 4, 1, golden.config.layers);
  const double relative = std::sqrt(error / size);
  expect_at_most(folder + ", logits", relative, limit);
  std::printf("%-30s logits within %.2f of the limit\n", "Transformers", relative / limit);
}

}  // namespace

int run(const MakeEngine& make, int ranks, const std::string& golden, uint64_t seed) {
  std::mt19937_64 generator(seed);
  try {
    if (!golden.empty()) {
      compare_golden(make, golden);
    }
    // Where a router hangs on a rounding, another expert is no mistake: sparse cases are ones where none does.
    std::mt19937_64 fixed(ranks > 1 ? 2 : 1);
    const vector<Checkpoint> dense = checkpoints(generator, ranks);
    const vector<Checkpoint> sparse = checkpoints(fixed, ranks);
    for (size_t i = 0; i < dense.size(); i++) {
      const bool routed = dense[i].config.experts > 0;
      const Checkpoint& checkpoint = routed ? sparse[i] : dense[i];
      Pair pair(checkpoint, make, ranks);
      compare_all(pair, checkpoint, ranks, routed ? fixed : generator);
      std::printf("%-30s logits within %.2f of the limit\n", checkpoint.name, pair.worst());
    }
  } catch (const gavel::Error& error) {
    std::printf("FAILED: status %d, %s\n", error.status(), error.what());
    return 1;
  }
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace parity
