// The checkpoint's tensors, packed for the kernels as they arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/config.h"
#include "model/tensor_table.h"
#include "support/arena.h"
#include "support/buffer.h"
#include "support/thread_pool.h"

namespace gavel {

// A matrix as on disk, until it is quantized with the rest of its layer.
struct StagedMatrix {
  Buffer<uint8_t> data;
  int32_t dtype;
  int rows;
  int row_offset;  // in the linear layer
  bool up;         // the up half of a gate and up pair
};

// A matrix product with its weight packed in panels: out[n] = sum_k x[k] weight[n, k]. Exactly one of
// packed and packed_int8 is filled.
struct Linear {
  int columns = 0;  // outputs; for a gate and up pair, of one of them
  int k = 0;
  int panels = 0;
  bool paired = false;  // gate and up
  Array<float> packed;  // [panels][k][panel width]
  Int8Inputs inputs = {};
  Array<int8_t> packed_int8;  // see gemm_int8.h
  Array<float> column_scales;
  Array<float> outlier_weights;
  Buffer<float> bias;  // [columns], empty if there is none
  std::vector<StagedMatrix> staged;

  bool is_int8() const { return packed_int8.size() > 0; }
  const float* bias_data() const { return bias.size() == 0 ? nullptr : bias.data(); }
};

// Which half of its panels a matrix fills.
enum class Half { kWhole, kGate, kUp };

class Quantizer;

// Some tokens' rows of the head, packed as for a matrix product.
struct HeadRows {
  int columns;
  int panels;
  Buffer<float> packed;  // [panels][hidden][panel width]
};

struct Expert {
  Linear gate_up;
  Linear down;
};

struct Layer {
  Buffer<float> attention_norm;     // [hidden]
  Buffer<float> feed_forward_norm;  // [hidden]
  Linear query;
  Linear key_value;          // key columns, then value columns
  Buffer<float> query_norm;  // [head_dim]; Qwen3
  Buffer<float> key_norm;    // [head_dim]
  Linear output;
  Linear router;                // sparse layers
  std::vector<Expert> experts;  // one for a dense layer
};

class Weights {
 public:
  Weights(const Config& config, const Kernels& kernels, ThreadPool& pool);
  ~Weights();

  // See gavel_engine_set_tensor.
  void set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data, int64_t bytes);

  // Fails with FAILED_PRECONDITION, naming a missing tensor.
  void finish();

  // Of int8, which rounds what finish() has left waiting; null of other engines.
  Quantizer* quantizer() { return quantizer_.get(); }

  // Copies the embedding of a token; rotated with the residual stream where linear layers are int8.
  void embed(int32_t token, float* out) const;

  // Takes the rotation of the residual stream back, if there is one. row: [hidden].
  void unrotate(float* row) const;

  // Packs the head's rows of some tokens, in fp32 and not rotated.
  HeadRows head_of(const std::vector<int32_t>& tokens) const;

  const std::vector<Layer>& layers() const { return layers_; }
  const Linear& head() const { return head_; }
  const float* final_norm() const { return final_norm_.data(); }
  int64_t parameters() const { return tensors_.parameters(); }
  int64_t bytes() const;

 private:
  void declare_layer(int index);
  void declare_feed_forward(int index);
  void declare_expert(const std::string& prefix, Expert& expert, int width);
  void declare_vector(const std::string& name, Buffer<float>& target, int width, int offset, int total);
  void declare_linear(const std::string& name, Linear& target, int rows, int row_offset, Half half);
  void shape_linear(Linear& linear, int columns, int k, bool paired) const;
  void stage(const TensorView& source, Linear& target, int rows, int row_offset, Half half);
  float head_weight(int32_t token, int i) const;

  const Config& config_;
  const Kernels& kernels_;
  ThreadPool& pool_;
  Arena arena_;
  TensorTable tensors_;
  std::vector<Layer> layers_;
  Buffer<float> final_norm_;   // [hidden]
  Buffer<uint8_t> embedding_;  // [vocabulary, hidden] as on disk
  int32_t embedding_dtype_ = GAVEL_F32;
  Linear head_;
  StagedMatrix head_rows_;                // int8: the head as on disk, unless it is the embedding
  std::unique_ptr<Quantizer> quantizer_;  // int8
};

// Packs rows of a matrix, as on disk, into a linear layer's columns from `row_offset` on.
void pack_f32(const Kernels& kernels, ThreadPool& pool, Arena& arena, const TensorView& source, Linear& target,
              int rows, int row_offset, Half half);

}  // namespace gavel
