// The label at which probability accumulated from the best grade down reaches a threshold.
#pragma once

#include "device/types.h"

namespace gavel::cuda {

// log_probabilities: [labels]; the last label where none reaches it. In double, as TierRule does it.
GAVEL_DEVICE int tier_label(const float* log_probabilities, int labels, float threshold) {
  double cumulative = 0;
  for (int l = 0; l + 1 < labels; l++) {
    cumulative += exp(static_cast<double>(log_probabilities[l]));
    if (cumulative >= static_cast<double>(threshold)) {
      return l;
    }
  }
  return labels - 1;
}

}  // namespace gavel::cuda
