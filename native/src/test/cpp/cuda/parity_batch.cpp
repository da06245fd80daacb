#include "parity_batch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace parity {

void expect_at_most(const std::string& what, double found, double limit) {
  char text[96];
  std::snprintf(text, sizeof text, ": expected at most %.3g, found %.3g", limit, found);
  expect(found <= limit, what + text);
}

void Batch::add(const vector<int32_t>& own, int parent, Chain chain, int keep_block, int output) {
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

Results run(gavel::Engine& engine, const Batch& batch, const gavel::Labels* labels, bool mass, int vocabulary) {
  Results results;
  const auto count = [&](int kind) {
    return static_cast<size_t>(std::count(batch.outputs.begin(), batch.outputs.end(), kind));
  };
  results.label_log_probabilities.assign(count(GAVEL_OUTPUT_LABELS) * (labels == nullptr ? 0 : labels->count()), NAN);
  results.label_log_mass.assign(mass ? count(GAVEL_OUTPUT_LABELS) : 0, NAN);
  results.sampled_tokens.assign(count(GAVEL_OUTPUT_SAMPLE), -1);
  results.sampled_log_probabilities.assign(count(GAVEL_OUTPUT_SAMPLE), NAN);
  results.logits.assign(count(GAVEL_OUTPUT_LOGITS) * vocabulary, NAN);
  gavel_outputs outputs{};
  outputs.label_log_probabilities = results.label_log_probabilities.data();
  outputs.label_log_mass = results.label_log_mass.data();
  outputs.sampled_tokens = results.sampled_tokens.data();
  outputs.sampled_log_probabilities = results.sampled_log_probabilities.data();
  outputs.logits = results.logits.data();
  engine.run(batch.view(mass), labels, outputs);
  return results;
}

vector<int32_t> random_tokens(int count, int vocabulary, std::mt19937_64& generator) {
  vector<int32_t> tokens(count);
  for (int32_t& token : tokens) {
    token = std::uniform_int_distribution<int32_t>(0, vocabulary - 1)(generator);
  }
  return tokens;
}

}  // namespace parity
