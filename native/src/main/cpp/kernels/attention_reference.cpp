#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

float value_of(float x) { return x; }

float value_of(Bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float key_at(const KeySpan<float>& span, int d, int i) { return span.keys[d * span.key_stride + i]; }

float key_at(const KeySpan<Bfloat16>& span, int d, int i) {
  return value_of(span.keys[(d / 2 * span.key_stride + i) * 2 + d % 2]);
}

template <typename T>
void attend(const Attention<T>& args, int row) {
  std::vector<double> weights;
  std::vector<const T*> values;
  for (const KeySpan<T>* span = args.spans; static_cast<int>(weights.size()) < args.visible[row]; span++) {
    for (int i = 0; i < span->count && static_cast<int>(weights.size()) < args.visible[row]; i++) {
      double score = 0;
      for (int d = 0; d < args.head_dim; d++) {
        score += static_cast<double>(value_of(args.queries[row][d])) * key_at(*span, d, i);
      }
      weights.push_back(score * args.scale);
      values.push_back(span->values + static_cast<int64_t>(i) * args.head_dim);
    }
  }
  const double maximum = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& weight : weights) {
    weight = std::exp(weight - maximum);
    sum += weight;
  }
  for (int d = 0; d < args.head_dim; d++) {
    double value = 0;
    for (size_t p = 0; p < weights.size(); p++) {
      value += weights[p] / sum * value_of(values[p][d]);
    }
    args.outputs[row][d] = static_cast<float>(value);
  }
}

}  // namespace

void attention(const Attention<float>& args) {
  for (int row = 0; row < args.rows; row++) {
    attend(args, row);
  }
}

void attention_bf16(const Attention<Bfloat16>& args) {
  for (int row = 0; row < args.rows; row++) {
    attend(args, row);
  }
}

}  // namespace gavel::reference
