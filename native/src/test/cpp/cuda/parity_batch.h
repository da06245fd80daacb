// Batches of the seam for the comparison of engines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gavel.h"

namespace parity {

using std::vector;

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

}  // namespace parity
