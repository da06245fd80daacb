// Steps of the whole engine, decoding and scoring, with graphs and without.
#pragma once

#include <vector>

#include "parity_graphs.h"

namespace bench {

struct EngineSteps {
  gavel_config config;       // random weights; its pool holds the streams' contexts
  std::vector<int> streams;  // that decode at once
  int context;               // tokens that each of them sees; a multiple of the block
  int items;                 // that are scored at once, behind one prefix of `context` tokens
  int item_tokens;
  int steps;              // a round has; there are three, of the engine with and without graphs by turns
  double gigabytes_most;  // of the device in a second; 0: unknown
};

// Prints the time of a step by the host's clock and by the device's, of the best round.
void measure_engine(const gavel_cuda_table& functions, int32_t device, const parity::MakeProducts& products,
                    const EngineSteps& shape);

}  // namespace bench
