#include <cmath>

#include "kernels/reference.h"

namespace gavel::reference {

void rms_norm(const RmsNorm& args) {
  for (int row = 0; row < args.rows; row++) {
    const float* x = args.x + row * args.stride;
    float* out = args.out + row * args.out_stride;
    double squares = 0;
    for (int i = 0; i < args.width; i++) {
      squares += static_cast<double>(x[i]) * x[i];
    }
    const double scale = 1 / std::sqrt(squares / args.width + args.epsilon);
    for (int i = 0; i < args.width; i++) {
      out[i] = static_cast<float>(x[i] * scale * args.weight[i]);
    }
  }
}

}  // namespace gavel::reference
