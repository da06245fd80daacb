#include <algorithm>
#include <cmath>

#include "kernels/logits.h"
#include "kernels/reference.h"

namespace gavel::reference {

void group_maxima(const float* logits, int64_t count, float* maxima) {
  for (int64_t g = 0; g < logit_groups(count); g++) {
    maxima[g] = *std::max_element(logits + g * kLogitGroup, logits + std::min(count, (g + 1) * kLogitGroup));
  }
}

float weigh_logits(const WeighLogits& args) {
  double total = 0;
  for (int64_t i = 0; i < args.count; i++) {
    const double exponent = (static_cast<double>(args.logits[i]) - args.highest) * args.inverse_temperature;
    args.weights[i] = exponent >= -87 ? static_cast<float>(std::exp(exponent)) : 0;
    total += args.weights[i];
  }
  return static_cast<float>(total);
}

}  // namespace gavel::reference
