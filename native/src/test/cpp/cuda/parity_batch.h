// What the comparisons of engines share: counted checks, batches that own their arrays, and their results.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/engine.h"

namespace parity {

using std::vector;

void expect(bool condition, const std::string& what);
void expect_at_most(const std::string& what, double found, double limit);
int checks();
int failures();

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

  // keep_block: the first of the blocks that keep the sequence, or -1.
  void add(const vector<int32_t>& own, int parent, Chain chain, int keep_block, int output);
  gavel_batch view(bool mass) const;
};

struct Results {
  vector<float> label_log_probabilities, label_log_mass, sampled_log_probabilities, logits;
  vector<int32_t> sampled_tokens;

  bool operator==(const Results&) const = default;
};

// labels may be null where no output asks for them.
Results run(gavel::Engine& engine, const Batch& batch, const gavel::Labels* labels, bool mass, int vocabulary);

vector<int32_t> random_tokens(int count, int vocabulary, std::mt19937_64& generator);

}  // namespace parity
