// One batch through the transformer on a device, up to the hidden states of the rows that yield something.
// Everything is enqueued on the device's stream; nothing waits.
#pragma once

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/collective.h"
#include "cuda/products.h"
#include "cuda/weights.h"
#include "model/rope_table.h"

namespace gavel {

class DeviceForward {
 public:
  // Allocates the KV pool and the activations of the largest batch. config: of the part that this device computes,
  // with the collective of its rank; null where it computes the whole model.
  DeviceForward(const Config& config, const Device& device, const DeviceWeights& weights, Products& products,
                Collective* collective);

  // Makes room for a batch, whose longest context has so many positions.
  void reserve(const DeviceBatch& batch, int positions);

  // Enqueues the layers; allocates nothing. Fails with CANCELLED where the flag, which may be null, is raised; what
  // was enqueued by then still runs.
  void run(const DeviceBatch& batch, const volatile int32_t* cancel);

  // Of the outputs, [outputs, hidden] of the engine's type: the residual stream, and the same after the final norm.
  const void* hidden() const { return output_stream_.data(); }
  const void* normed() const { return normed_.data(); }

  int64_t pool_bytes() const;
  int64_t bytes_per_token() const;
  int64_t workspace_bytes() const;

 private:
  // Some rows of the batch on their way through a layer.
  struct Rows {
    int32_t count;
    void* stream;              // [count, hidden], the residual stream
    const int32_t* positions;  // [count]
    const int32_t* slots;      // [count]
    const StagedAttention* attention;
    const int32_t* live_rows;  // [1], or null: all
  };

  void reserve_positions(int count);
  // A norm before a product with the matrix; of routed rows as the router takes them too.
  void norm(int32_t rows, const int32_t* gather, const void* stream, const void* delta, void* stream_out,
            int64_t weight, const DeviceMatrix& reader, bool routed = false);
  void project(const DeviceLayer& layer, int index, const Rows& rows);
  void attend(const DeviceBatch& batch, int index, const Rows& rows);
  void feed_forward(const DeviceLayer& layer, int index, const Rows& rows);
  void dense_feed_forward(const DeviceLayer& layer, int32_t rows);
  void sparse_feed_forward(const DeviceLayer& layer, const Rows& rows);
  // Makes delta_ of this rank's part the whole.
  void sum_delta(int32_t rows);
  // The type of what a product with the matrix takes.
  int32_t input_type(const DeviceMatrix& matrix) const;
  const DeviceMemory& input_of(const DeviceMatrix& matrix, int32_t rows, const DeviceMemory& in);
  // One product of every expert, whose sizes, routing and output are set.
  void multiply_experts(gavel_cuda_grouped_gemm& product, const DeviceMemory& in, const DeviceMatrix& matrix);
  void multiply(int32_t rows, const DeviceMemory& in, const DeviceMatrix& matrix, const DeviceMemory& out,
                bool fp32_out = false);
  // The place of a layer in the pool of keys or values.
  void* layer_of(const DeviceMemory& pool, int index) const;

  const Config& config_;
  const Device& device_;
  const DeviceWeights& weights_;
  Products& products_;
  Collective* const collective_;
  const int32_t type_;
  const int64_t slots_;  // of a layer
  RopeTable rope_;
  int positions_ = 0;  // on the device
  DeviceMemory cosines_, sines_;
  DeviceMemory keys_, values_;           // [layers, slots, kv_heads, head_dim]
  DeviceMemory stream_, output_stream_;  // [rows, hidden]
  DeviceMemory normed_, delta_;          // [rows, hidden]; normed_ in e4m3 before a product that takes it
  DeviceMemory qkv_;                     // [rows, query_width + 2 kv_width]
  DeviceMemory queries_, attended_;      // [rows, query_width]
  DeviceMemory gate_up_;                 // [rows, 2 intermediate]
  DeviceMemory activated_;               // [rows, intermediate], likewise, or [rows * picks, expert_intermediate]
  DeviceMemory quantized_;               // e4m3: of attended_, of routed rows' normed_, or of experts' activated_
  DeviceMemory scales_;                  // [rows] or [rows * picks] fp32, of the next product's input
  DeviceMemory router_logits_;           // [rows, experts] fp32
  DeviceMemory pair_weights_;            // [rows, picks] fp32
  DeviceMemory chosen_, order_;          // [rows * picks]
  DeviceMemory begins_;                  // [experts + 1]
  DeviceMemory routed_;                  // [rows * picks, hidden]
  DeviceMemory partial_out_, partial_log_sums_;
};

}  // namespace gavel
