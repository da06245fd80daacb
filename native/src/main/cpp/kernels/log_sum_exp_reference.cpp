#include "kernels/reference.h"

namespace gavel::reference {

void log_sum_exp(const float* values, int64_t count, LogSum* sum) {
  float maximum = -INFINITY;
  for (int64_t i = 0; i < count; i++) {
    maximum = std::fmax(maximum, values[i]);
  }
  double total = 0;
  for (int64_t i = 0; i < count; i++) {
    total += values[i] == -INFINITY ? 0 : std::exp(static_cast<double>(values[i]) - maximum);
  }
  *sum = {maximum, static_cast<float>(total)};
}

}  // namespace gavel::reference
