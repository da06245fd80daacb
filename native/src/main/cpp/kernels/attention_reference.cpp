#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference.h"

namespace gavel::reference {

namespace {

void attend(const Attention& args, int row) {
  std::vector<double> weights;
  std::vector<const float*> values;
  for (const KeySpan* span = args.spans; static_cast<int>(weights.size()) < args.visible[row]; span++) {
    for (int i = 0; i < span->count && static_cast<int>(weights.size()) < args.visible[row]; i++) {
      double score = 0;
      for (int d = 0; d < args.head_dim; d++) {
        score += static_cast<double>(args.queries[row][d]) * span->keys[d * span->key_stride + i];
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
      value += weights[p] / sum * values[p][d];
    }
    args.outputs[row][d] = static_cast<float>(value);
  }
}

}  // namespace

void attention(const Attention& args) {
  for (int row = 0; row < args.rows; row++) {
    attend(args, row);
  }
}

}  // namespace gavel::reference
