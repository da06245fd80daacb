#include "kernels/reference.h"

namespace gavel::reference {

void rope(const Rope& args) {
  const int half = args.head_dim / 2;
  for (int head = 0; head < args.heads; head++) {
    float* x = args.x + static_cast<int64_t>(head) * args.head_dim;
    for (int i = 0; i < half; i++) {
      const double a = x[i];
      const double b = x[i + half];
      x[i] = static_cast<float>(a * args.cosines[i] - b * args.sines[i]);
      x[i + half] = static_cast<float>(b * args.cosines[i] + a * args.sines[i]);
    }
  }
}

}  // namespace gavel::reference
