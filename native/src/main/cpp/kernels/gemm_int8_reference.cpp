#include <cmath>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

int32_t dot(const GemmInt8& args, int row, int panel, int column) {
  const int32_t* a = args.packed_rows + static_cast<int64_t>(row) * args.groups;
  const int8_t* b = args.packed_weights + (static_cast<int64_t>(panel) * args.groups * kPanel + column) * kGroup;
  int32_t sum = 0;
  for (int g = 0; g < args.groups; g++) {
    sum += static_cast<int16_t>(a[g]) * b[g * kPanel * kGroup] + (a[g] >> 16) * b[g * kPanel * kGroup + 1];
  }
  return sum;
}

float scaled(const GemmInt8& args, int row, int panel, int column) {
  const float scale = args.row_scales[row] * args.column_scales[panel * kPanel + column];
  return static_cast<float>(dot(args, row, panel, column) - args.row_sums[row]) * scale;
}

// By the definition: H[i, j] = (-1)^popcount(i & j) / sqrt(size).
void hadamard(float* x, int size) {
  double result[64];
  for (int i = 0; i < size; i++) {
    result[i] = 0;
    for (int j = 0; j < size; j++) {
      result[i] += __builtin_popcount(i & j) % 2 == 0 ? x[j] : -static_cast<double>(x[j]);
    }
  }
  for (int i = 0; i < size; i++) {
    x[i] = static_cast<float>(result[i] / std::sqrt(static_cast<double>(size)));
  }
}

}  // namespace

void gemm_int8(const GemmInt8& args) {
  for (int row = 0; row < args.rows; row++) {
    float* out = args.out + row * args.stride;
    for (int panel = args.panel_begin; panel < args.panel_end; panel++) {
      if (args.epilogue == Epilogue::kSwiglu) {
        const double gate = scaled(args, row, panel, 0);
        out[panel] = static_cast<float>(gate / (1 + std::exp(-gate)) * scaled(args, row, panel, 1));
        continue;
      }
      for (int n = panel * kPanel; n < args.columns && n < (panel + 1) * kPanel; n++) {
        float value = scaled(args, row, panel, n - panel * kPanel);
        if (args.bias != nullptr) {
          value += args.bias[n];
        }
        out[n] = args.epilogue == Epilogue::kAdd ? out[n] + value : value;
      }
    }
  }
}

void quantize_rows(const QuantizeRows& args) {
  const int groups = (args.k + kGroup - 1) / kGroup;
  for (int r = 0; r < args.count; r++) {
    float* x = args.rows[r];
    for (int begin = 0; begin < args.k && args.hadamard > 0; begin += args.hadamard) {
      hadamard(x + begin, args.hadamard);
    }
    float most = 0;
    double squares = 0;
    for (int i = 0; i < args.k; i++) {
      most = std::fmax(most, std::fabs(x[i]));
      squares += static_cast<double>(x[i]) * x[i];
    }
    const float inverse = most > 0 ? 127.0f / most : 0.0f;
    for (int g = 0; g < groups; g++) {
      uint32_t packed = 0;
      for (int j = 0; j < kGroup && g * kGroup + j < args.k; j++) {
        const int32_t q = static_cast<int32_t>(std::nearbyint(static_cast<double>(x[g * kGroup + j]) * inverse));
        packed |= (static_cast<uint32_t>(q) & 65535u) << (16 * j);
      }
      args.packed[static_cast<int64_t>(r) * groups + g] = static_cast<int32_t>(packed);
    }
    args.sums[r] = 0;
    const double norm = args.epsilon < 0 ? 1 : 1 / std::sqrt(squares / args.k + args.epsilon);
    args.scales[r] = static_cast<float>(most / 127.0f * norm);
  }
}

}  // namespace gavel::reference
