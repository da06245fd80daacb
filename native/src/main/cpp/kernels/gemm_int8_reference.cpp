#include <cmath>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

int dwords_of(const Int8Inputs& inputs) { return (inputs.rounded() + kGroup - 1) / kGroup; }

float scaled(const GemmInt8& args, int row, int panel, int column) {
  const int dwords = dwords_of(args.inputs);
  const Int8Rows a = args.a.from(row, args.inputs, dwords);
  const int8_t* b = args.packed_weights + (static_cast<int64_t>(panel) * dwords * kPanel + column) * kGroup;
  int32_t sum = a.sums[0];
  for (int d = 0; d < dwords; d++) {
    sum +=
        static_cast<int16_t>(a.packed[d]) * b[d * kPanel * kGroup] + (a.packed[d] >> 16) * b[d * kPanel * kGroup + 1];
  }
  double value = static_cast<double>(sum) * a.scales[0] * args.column_scales[panel * kPanel + column];
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
    float most = 0;
    for (int i = 0; i < inputs.rounded(); i++) {
      most = std::fmax(most, std::fabs(x[i]));
    }
    const float inverse = most > 0 ? 127.0f / most : 0.0f;
    for (int d = 0; d < dwords; d++) {
      uint32_t packed = 0;
      for (int j = 0; j < kGroup && d * kGroup + j < inputs.rounded(); j++) {
        const int32_t q = static_cast<int32_t>(std::nearbyint(static_cast<double>(x[d * kGroup + j]) * inverse));
        packed |= (static_cast<uint32_t>(q) & 65535u) << (16 * j);
      }
      out.packed[d] = static_cast<int32_t>(packed);
    }
    out.sums[0] = 0;
    out.scales[0] = static_cast<float>(most / 127.0f * norm);
  }
}

}  // namespace gavel::reference
