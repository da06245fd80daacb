// What the comparisons of engines share: checks, batches, and their results.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "counted.h"
#include "model/engine.h"
#include "owned_batch.h"

namespace parity {

using counted::checks;
using counted::expect;
using counted::failures;
using std::vector;

void expect_at_most(const std::string& what, double found, double limit);

struct Batch : OwnedBatch {
  struct Chain {
    int first_block = 0;
    int tokens = 0;  // in blocks of 16, one after the other
  };

  // keep_block: the first of the blocks that keep the sequence, or -1.
  void add(const vector<int32_t>& own, int parent, Chain chain, int keep_block, int output);
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
