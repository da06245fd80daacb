// Random checkpoints for the comparison of engines.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/engine.h"

namespace parity {

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<uint16_t> bf16;
};

struct Checkpoint {
  const char* name;
  gavel_config config;
  std::vector<uint8_t> dense_layers;
  std::map<std::string, Tensor> tensors;

  // The config with the flags of dense layers; borrows from the checkpoint.
  gavel_config shape() const;

  // Hands all tensors over and finishes the engine.
  void load(gavel::Engine& engine) const;
};

// Weights that keep the size of what they multiply.
Checkpoint random_checkpoint(const char* name, const gavel_config& config, std::vector<uint8_t> dense_layers,
                             std::mt19937_64& generator);

// One of every architecture, small; widths are multiples of `step`, 8 or 16, and no tile divides them, or all of up to
// four ranks do.
std::vector<Checkpoint> checkpoints(std::mt19937_64& generator, int ranks, int step);

}  // namespace parity
