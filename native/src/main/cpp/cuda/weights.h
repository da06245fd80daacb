// The checkpoint's tensors in bf16 on a device: one block of memory, matrices that share their input fused.
// A rank has its share of them: columns of what reads the residual stream, and the same rows of what is added to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/device.h"
#include "model/config.h"
#include "model/tensor_table.h"

namespace gavel {

// Offsets of elements; -1 where the model has no such tensor. Matrices are [columns, k]; sizes are those of the part
// that this rank computes.
struct DeviceLayer {
  int64_t attention_norm = -1;     // [hidden]
  int64_t feed_forward_norm = -1;  // [hidden]
  int64_t qkv = -1;                // [query_width + 2 kv_width, hidden]
  int64_t qkv_bias = -1;           // [query_width + 2 kv_width]
  int64_t query_norm = -1;         // [head_dim]
  int64_t key_norm = -1;           // [head_dim]
  int64_t output = -1;             // [hidden, query_width]
  int64_t router = -1;             // [experts, hidden]
  int64_t gate_up = -1;            // [experts or 1, 2 intermediate, hidden]: gate rows, then up rows
  int64_t down = -1;               // [experts or 1, hidden, intermediate]
};

class DeviceWeights {
 public:
  // Allocates room for all tensors, or for the rank's share of them.
  DeviceWeights(const Config& config, const Device& device);

  // Uploads one tensor, rounded to bf16; see gavel_engine_set_tensor.
  void set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data, int64_t bytes);

  // Fails with FAILED_PRECONDITION, naming a missing tensor.
  void finish() const { tensors_.require_complete(); }

  const DeviceLayer& layer(int index) const { return layers_[index]; }
  int64_t embedding() const { return embedding_; }  // [vocabulary, hidden]
  int64_t head() const { return head_; }            // [vocabulary, hidden]
  int64_t final_norm() const { return final_norm_; }

  // The device memory of an offset; null for -1.
  const uint16_t* at(int64_t offset) const { return offset < 0 ? nullptr : memory_.data<uint16_t>() + offset; }

  int64_t parameters() const { return tensors_.parameters(); }  // of the whole model
  int64_t bytes() const { return static_cast<int64_t>(memory_.bytes()); }

 private:
  void declare_layer(int index);
  void declare_feed_forward(int index);
  void declare_expert(const std::string& prefix, int64_t gate_up, int64_t down, int width);
  // A tensor of its own at a new place; the place is returned. Shapes are those of whole tensors.
  int64_t declare(const std::string& name, std::vector<int64_t> shape, Share share = {});
  void declare_at(const std::string& name, std::vector<int64_t> shape, int64_t offset, Share share);
  int64_t place(int64_t elements);
  void upload(const TensorView& source, int64_t elements, int64_t offset);

  const Config& config_;
  const Config part_;
  const Share rows_;     // of a matrix that reads the residual stream
  const Share columns_;  // of one whose result is added to it
  const Device& device_;
  TensorTable tensors_;
  std::vector<DeviceLayer> layers_;
  int64_t embedding_ = -1;
  int64_t head_ = -1;
  int64_t final_norm_ = -1;
  int64_t elements_ = 0;  // placed so far
  DeviceMemory memory_;
  DeviceMemory rounded_;  // pinned: a piece of a tensor on its way
};

}  // namespace gavel
