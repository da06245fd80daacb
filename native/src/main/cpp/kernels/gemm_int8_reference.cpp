#include <algorithm>
#include <cmath>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

int dwords_of(const Int8Inputs& inputs) { return (inputs.rounded() + kGroup - 1) / kGroup; }

float scaled(const GemmInt8& args, int row, int panel, int column) {
  const int dwords = dwords_of(args.inputs);
  const int step = args.inputs.scale_group / kGroup;
  const Int8Rows a = args.a.from(row, args.inputs, dwords);
  const int8_t* b = args.packed_weights + (static_cast<int64_t>(panel) * dwords * kPanel + column) * kGroup;
  double value = 0;
  for (int begin = 0; begin < dwords; begin += step) {
    int32_t sum = a.sums[begin / step];
    for (int d = begin; d < dwords && d < begin + step; d++) {
      sum += static_cast<int16_t>(a.packed[d]) * b[d * kPanel * kGroup];
      sum += (a.packed[d] >> 16) * b[d * kPanel * kGroup + 1];
    }
    value += static_cast<double>(sum) * a.scales[begin / step];
  }
  value *= args.column_scales[panel * kPanel + column];
  const float* w = args.outlier_weights + static_cast<int64_t>(panel) * args.inputs.outliers * kPanel + column;
  for (int o = 0; o < args.inputs.outliers; o++) {
    value += static_cast<double>(a.outliers[o]) * w[o * kPanel];
  }
  return static_cast<float>(value);
}

// By the definition: H[i, j] = (-1)^popcount(i & j) / sqrt(size).
void hadamard(float* x, int size) {
  double result[256];
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
  const Int8Inputs& inputs = args.inputs;
  const int dwords = dwords_of(inputs);
  for (int r = 0; r < args.count; r++) {
    float* x = args.rows[r];
    const Int8Rows out = args.out.from(r, inputs, dwords);
    double squares = 0;
    for (int i = 0; i < inputs.k; i++) {
      squares += static_cast<double>(x[i]) * x[i];
    }
    const double norm = args.epsilon < 0 ? 1 : 1 / std::sqrt(squares / inputs.k + args.epsilon);
    for (int o = 0; o < inputs.outliers; o++) {
      out.outliers[o] = static_cast<float>(x[o] * norm);
    }
    x += inputs.outliers;
    for (int begin = 0; begin < inputs.rounded() && args.hadamard > 0; begin += args.hadamard) {
      hadamard(x + begin, args.hadamard);
    }
    for (int d = 0; d < dwords; d++) {
      out.packed[d] = 0;
    }
    for (int s = 0; s < inputs.scales(); s++) {
      const int begin = s * inputs.scale_group;
      const int end = std::min(inputs.rounded(), begin + inputs.scale_group);
      float most = 0;
      for (int i = begin; i < end; i++) {
        most = std::fmax(most, std::fabs(x[i]));
      }
      const float inverse = most > 0 ? 127.0f / most : 0.0f;
      for (int i = begin; i < end; i++) {
        const int32_t q = static_cast<int32_t>(std::nearbyint(static_cast<double>(x[i]) * inverse));
        out.packed[i / kGroup] |= static_cast<int32_t>((static_cast<uint32_t>(q) & 65535u) << (16 * (i % kGroup)));
      }
      out.sums[s] = 0;
      out.scales[s] = static_cast<float>(most / 127.0f * norm);
    }
  }
}

}  // namespace gavel::reference
