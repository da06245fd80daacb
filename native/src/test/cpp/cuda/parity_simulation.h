// A plain transformer that rounds where an engine on a device rounds, and computes in doubles between.
//
// Token after token, with queries of one row each, whose attention rounds no weights. So it agrees with the engine but
// for values that lie on the edge between two roundings.
#pragma once

#include <cstdint>
#include <vector>

#include "parity_model.h"

namespace parity {

// Logits after each token of each sequence: [tokens, vocabulary].
std::vector<double> simulate(const Checkpoint& checkpoint, int32_t quantization,
                             const std::vector<std::vector<int32_t>>& sequences);

}  // namespace parity
