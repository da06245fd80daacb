// The checkpoint's tensors on a device: one block of memory, matrices that share their input fused.
//
// Matrices of the layers are in the engine's type or, in an FP8 engine, in e4m3: each output channel is divided by
// its scale, the largest magnitude over 448, and rounded to nearest even on the device. Routers stay as they are, since
// a rounding that changes the choice of an expert is not averaged out, and so does the last layer's down projection,
// which no layer averages out and few rows pass.
//
// A rank has its share of them: columns of what reads the residual stream, and the same rows of what is added to it.
// What is dealt out by its inputs is scaled by rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "cuda/precision.h"
#include "model/config.h"
#include "model/tensor_table.h"

namespace gavel {

// Offsets are in bytes; -1 where the model has no such tensor. Sizes are those of the part that this rank computes.
struct DeviceMatrix {
  int32_t columns = 0;
  int32_t k = 0;
  int64_t weight = -1;  // [columns, k], of experts [experts, columns, k]
  int64_t scales = -1;  // fp32, one for each row of the weight; -1: it is not quantized
};

struct DeviceLayer {
  int64_t attention_norm = -1;     // [hidden]
  int64_t feed_forward_norm = -1;  // [hidden]
  DeviceMatrix qkv;                // [query_width + 2 kv_width, hidden]
  int64_t qkv_bias = -1;           // [query_width + 2 kv_width]
  int64_t query_norm = -1;         // [head_dim]
  int64_t key_norm = -1;           // [head_dim]
  DeviceMatrix output;             // [hidden, query_width]
  DeviceMatrix router;             // [experts, hidden]
  DeviceMatrix gate_up;            // [2 intermediate, hidden]: gate rows, then up rows
  DeviceMatrix down;               // [hidden, intermediate]
};

class DeviceWeights {
 public:
  // Allocates room for all tensors, or for the rank's share of them.
  DeviceWeights(const Config& config, const Device& device);

  // Uploads one tensor, rounded; see gavel_engine_set_tensor. Fails with INVALID_ARGUMENT where a finite value is
  // beyond the type.
  void set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data, int64_t bytes);

  // Fails with FAILED_PRECONDITION, naming a missing tensor.
  void finish() const { tensors_.require_complete(); }

  const DeviceLayer& layer(int index) const { return layers_[index]; }
  Precision precision() const { return precision_; }
  int64_t embedding() const { return embedding_; }    // [vocabulary, hidden]
  const DeviceMatrix& head() const { return head_; }  // [vocabulary, hidden]
  int64_t final_norm() const { return final_norm_; }

  // The device memory of an offset; null for -1.
  template <typename T = void>
  const T* at(int64_t offset) const {
    return offset < 0 ? nullptr : reinterpret_cast<const T*>(memory_.data<char>() + offset);
  }

  int64_t parameters() const { return tensors_.parameters(); }  // of the whole model
  int64_t bytes() const { return static_cast<int64_t>(memory_.bytes()); }

 private:
  void declare_layer(int index);
  void declare_feed_forward(int index);
  void declare_expert(const std::string& prefix, const DeviceLayer& layer, int index, int width);
  // A tensor of its own at a new place; the place is returned. Shapes are those of whole tensors.
  int64_t declare(const std::string& name, std::vector<int64_t> shape);
  void declare_at(const std::string& name, std::vector<int64_t> shape, int64_t offset, Share share);
  // Rows of a matrix, from row `first` on: the share of a tensor.
  void declare_rows(const std::string& name, std::vector<int64_t> shape, const DeviceMatrix& matrix, int64_t first,
                    Share share);
  // Room for so many bytes.
  int64_t place(int64_t bytes);
  // Room for the matrix, or for one of each expert.
  DeviceMatrix place_matrix(int64_t columns, int64_t k, bool quantized, int64_t experts = 1);
  void upload(const char* name, const TensorView& source, int64_t elements, int64_t offset);
  void quantize(const TensorView& source, const DeviceMatrix& matrix, int64_t first, int64_t rows);
  const void* rounded(const char* name, const TensorView& source, int32_t type, int64_t begin, int64_t count);

  const Config& config_;
  const Config part_;
  const Share rows_;     // of a matrix that reads the residual stream
  const Share columns_;  // of one whose result is added to it
  const Device& device_;
  const Precision precision_;
  TensorTable tensors_;
  std::vector<DeviceLayer> layers_;
  int64_t embedding_ = -1;
  DeviceMatrix head_;
  int64_t final_norm_ = -1;
  int64_t bytes_ = 0;  // placed so far
  DeviceMemory memory_;
  DeviceMemory rounded_;      // pinned: a piece of a tensor on its way
  DeviceMemory unquantized_;  // the same on the device
};

}  // namespace gavel
