#include <cmath>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

float dot(const GemmF32& args, int row, int panel, int column) {
  const float* a = args.packed_rows + static_cast<int64_t>(row) * args.k;
  const float* b = args.packed_weights + static_cast<int64_t>(panel) * args.k * kPanel + column;
  double sum = 0;
  for (int k = 0; k < args.k; k++) {
    sum += static_cast<double>(a[k]) * b[k * kPanel];
  }
  return static_cast<float>(sum);
}

}  // namespace

void gemm_f32(const GemmF32& args) {
  for (int row = 0; row < args.rows; row++) {
    float* out = args.out + row * args.stride;
    for (int panel = args.panel_begin; panel < args.panel_end; panel++) {
      if (args.epilogue == Epilogue::kSwiglu) {
        const double gate = dot(args, row, panel, 0);
        out[panel] = static_cast<float>(gate / (1 + std::exp(-gate)) * dot(args, row, panel, 1));
        continue;
      }
      for (int n = panel * kPanel; n < args.columns && n < (panel + 1) * kPanel; n++) {
        float value = dot(args, row, panel, n - panel * kPanel);
        if (args.bias != nullptr) {
          value += args.bias[n];
        }
        out[n] = args.epilogue == Epilogue::kAdd ? out[n] + value : value;
      }
    }
  }
}

void pack_rows(const PackRows& args) {
  for (int r = 0; r < args.count; r++) {
    float* packed = args.packed + static_cast<int64_t>(r) * args.k;
    if (args.norm_weight == nullptr) {
      for (int k = 0; k < args.k; k++) {
        packed[k] = args.rows[r][k];
      }
    } else {
      rms_norm({args.rows[r], args.k, 1, args.k, args.norm_weight, args.epsilon, packed, args.k});
    }
  }
}

}  // namespace gavel::reference
