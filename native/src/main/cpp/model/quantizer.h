// Folds norms and rotations into a checkpoint's matrices and quantizes them to int8.
//
// With R the rotation of the residual stream, H Hadamard blocks, V the rotation of a value head and g
// the weights of the norm before a matrix W [outputs, inputs]:
//   readers of the stream (q, k, v, gate, up, router, head)   W diag(g) R^-1
//   v, besides                                                 V per head on the outputs
//   o                                                          R W V^-1 per head on the inputs
//   down                                                       R W H
// All exact in real numbers. The router, and down in the last layer, stay in fp32; of all others each output channel is
// then rounded to 127 steps of its largest weight; gate and up, whose errors shift every prompt's labels the same way,
// by what their inputs are like where a sample is at hand (rounding.h).
//
// Outliers. In many models a few channels of the residual stream are tens of times larger than all
// others, in every token. R leaves them alone and puts them first; they and their weights stay in fp32.
// They are known without data: what writes to the stream has the largest rows there.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "model/rotation.h"
#include "model/rounding.h"
#include "model/weights.h"
#include "support/thread_pool.h"

namespace gavel {

class Quantizer {
 public:
  Quantizer(const Config& config, const Kernels& kernels, ThreadPool& pool, Arena& arena);

  // Finds the channels that stay in fp32. Comes first, when all matrices are staged.
  void choose_outliers(const std::vector<Layer>& layers, const TensorView& embedding);

  // Replaces every matrix of the layer by its int8 form (the router by its folded fp32 form), folds the norms into
  // them and sets the norms to 1. Gate and up wait for round_for or finish.
  void quantize(Layer& layer, bool sparse, bool last);

  // Rounds gate and up of some experts, those that wait, for rows like these of the residual stream: [count] each
  // [hidden], not normalized.
  void round_for(const std::vector<Expert>& experts, const float* rows, int count);

  // Rounds what still waits to the nearest.
  void finish();

  // The head, from its rows as on disk.
  void quantize_head(Linear& head, const TensorView& rows, const float* final_norm) const;

  const Rotation& stream() const { return stream_; }

 private:
  using RowTransform = std::function<void(float*)>;

  std::vector<float> gather_reader(const Linear& linear, const float* norm) const;
  std::vector<float> gather_writer(const Linear& linear, const RowTransform& transform) const;
  // A matrix that waits.
  struct Waiting {
    Linear& linear;
    std::vector<float> norm;  // to be folded into it
  };

  void feed_forward(Expert& expert, const float* norm, bool last);
  void key_value(Linear& linear, const float* norm) const;
  void keep(Linear& linear, const std::vector<float>& matrix) const;
  std::vector<float> gather(const Linear& linear) const;
  void transform_rows(std::vector<float>& matrix, int k, const RowTransform& transform) const;
  void rotate_columns(const Rotation& rotation, float* rows, int k) const;
  void shape(Linear& linear, const Int8Inputs& inputs) const;
  Int8Inputs stream_inputs() const;
  RowTransform reading(const float* norm) const;
  Rounding rounding_for(const float* rows, int count) const;
  void round(const Waiting& waiting, const Rounding& rounding) const;
  void round(Linear& linear, const std::vector<float>& matrix, const Int8Inputs& inputs,
             const Rounding& rounding = Rounding()) const;
  void pack_panel(Linear& linear, const float* matrix, int first, int index, const Rounding& rounding) const;

  const Config& config_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Arena& arena_;  // receives the quantized weights
  Rotation stream_;
  Rotation value_;
  std::unordered_map<const Linear*, Waiting> waiting_;
};

}  // namespace gavel
