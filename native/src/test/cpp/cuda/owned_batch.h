// A batch of the seam that owns its arrays.
#pragma once

#include <cstdint>
#include <vector>

#include "gavel.h"

struct OwnedBatch {
  std::vector<int32_t> token_offsets{0}, tokens, parents, chain_offsets{0}, chain_blocks, chain_counts, keep_offsets{0},
      keep_blocks, keep_starts, outputs, top_ks, draws;
  std::vector<float> temperatures, top_ps;
  std::vector<int64_t> seeds;

  // Borrows the arrays.
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
