// A golden of the engine's tests (tools/goldens/make.py): a checkpoint on disk and what Transformers says of it.
#pragma once

#include <string>
#include <vector>

#include "model/engine.h"

namespace parity {

struct Golden {
  gavel_config config;
  std::string folder;
  std::vector<std::vector<int32_t>> prompts;
  std::vector<double> logits;  // [prompts, vocabulary]

  // Hands the checkpoint's tensors over and finishes the engine.
  void load(gavel::Engine& engine) const;
};

// Reads a dense case; ends the process with a message where it is not there.
Golden read_golden(const std::string& folder);

}  // namespace parity
