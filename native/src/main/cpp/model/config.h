// The model's shape and the engine's room, checked.
#pragma once

#include <cstdint>
#include <vector>

#include "gavel.h"

namespace gavel {

struct Config : gavel_config {
  // Copies and checks; fails with INVALID_ARGUMENT or UNAVAILABLE.
  explicit Config(const gavel_config& source);

  int query_width() const { return heads * head_dim; }
  int kv_width() const { return kv_heads * head_dim; }
  int group() const { return heads / kv_heads; }
  // Parameters used in matrix products per token, the head's not included.
  int64_t linear_parameters() const;
  bool sparse(int layer) const { return experts > 0 && !dense[layer]; }

  // Whether this engine computes a part of the model only.
  bool dealt_out() const { return ranks > 1; }
  // The shape of the part: as many of the heads and of the feed-forward's width. Its products give parts of a sum.
  Config part() const;

  std::vector<bool> dense;      // [layers]
  std::vector<int> processors;  // [threads] that they are bound to, or none
  std::vector<int> devices;     // [ranks] of one engine that drives them all, or none
};

}  // namespace gavel
