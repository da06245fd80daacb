// Sizes that the batches of a device are rounded up to, so that what was recorded for one fits many.
#pragma once

namespace gavel {

// The least of 0, 1, 2, 4, 8, then by 8 to 64, by 32 to 256, by 64 from there, that is no less. A decoded row that
// fills up costs its share of the vocabulary's logits, so the first steps are short; up to a few hundred rows a product
// waits for its weights, whatever its rows; beyond, rows cost in proportion, and a step is a quarter of them at most.
constexpr int bucket(int count) {
  if (count <= 4) {
    return count == 3 ? 4 : count;
  }
  const int step = count <= 64 ? 8 : count <= 256 ? 32 : 64;
  return (count + step - 1) / step * step;
}

}  // namespace gavel
