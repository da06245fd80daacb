// One batch through the transformer, up to the hidden states of the rows that yield something.
//
// Rows travel in blocks that stay in a core's cache: a task takes a block of rows through attention,
// feed-forward and the next layer's keys and values, so there is one barrier per layer. Small batches
// (decoding) go as one block whose matrix products are split over the cores instead.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "kernels/kernels.h"
#include "model/int8_rows.h"
#include "model/key_values.h"
#include "model/plan.h"
#include "model/quantizer.h"
#include "model/rope_table.h"
#include "model/weights.h"
#include "support/buffer.h"
#include "support/thread_pool.h"

namespace gavel {

class Forward {
 public:
  Forward(const Config& config, const Kernels& kernels, const Weights& weights, KeyValues& key_values,
          ThreadPool& pool);

  // Computes the batch; hidden() then holds the plan's outputs, before the final norm.
  // Fails with CANCELLED when the batch is cancelled between layers.
  void run(const Plan& plan);

  // Computes a sample, any number of rows, while the quantizer rounds each layer for what the sample brings to it.
  void round_weights(const Plan& sample, Quantizer& quantizer);

  // [outputs, hidden]
  const float* hidden() const { return out_.data(); }

  int64_t workspace_bytes() const;

 private:
  // Scratch of one thread.
  struct Workspace {
    Buffer<float> packed;      // packed rows of the widest input
    Int8Buffer quantized;      // the same in int8
    Buffer<float> query;       // [rows, query_width]
    Buffer<float> key_value;   // [rows, 2 kv_width]
    Buffer<float> attention;   // [rows, query_width]
    Buffer<float> activation;  // [rows, intermediate]
    Buffer<float> normed;      // [rows, hidden]; sparse layers
    Buffer<float> routed;      // [rows * experts_per_token, hidden]
    Buffer<float> expert_out;  // [rows, hidden]
    Buffer<float> router;      // [rows, experts]
    std::vector<float*> row_pointers;
    std::vector<int> positions;  // of the block's rows
  };

  // A matrix product of packed rows, and where it goes.
  struct Product {
    const Linear& linear;
    float* out;
    int64_t stride;
    Epilogue epilogue;
  };

  // Some rows of the batch on their way through a layer.
  struct Block {
    int thread;
    bool wide;        // matrix products are split over all threads
    const int* rows;  // [count] rows of the plan
    int count;
    float* x;  // [count, hidden] residual stream
  };

  // The choice of experts for the rows of a block: pair p belongs to row p / experts_per_token.
  struct Routing {
    std::vector<float> weights;  // [pairs]
    std::vector<int> order;      // pairs sorted by expert
    std::vector<int> begins;     // [experts + 1] into order
  };

  bool is_wide(const Plan& plan) const;
  void size_scratch(const Plan& plan);
  void embed(const Plan& plan, const Block& block);
  void keys_values(const Plan& plan, int layer, const Block& block);
  void queries(const Plan& plan, int layer, const Block& block);
  void attention(const Plan& plan, int layer, const Block& block);
  void attend(const Plan& plan, int layer, const Block& block);
  void feed_forward(int layer, const Block& block);
  void sparse_feed_forward(int layer, const Block& block);
  void route(const Layer& layer, const Block& block, Routing& routing);
  void run_expert(const Expert& expert, float* normed, const int* pairs, int count, float* routed, int thread);

  template <typename F>
  void over_rows(const Block& block, int step, const F& body);
  void point_at(const Block& block, float* rows, int width);
  void pack(const Linear& reader, const Block& block, const float* norm_weight, int hadamard = 0);
  void linear(const Linear& linear, const Block& block, float* out, int64_t stride, Epilogue epilogue);
  void multiply(const Product& product, const Block& block, int panel_begin, int panel_end);
  void multiply_wide(std::initializer_list<Product> products, const Block& block);
  void norm_heads(float* row, int heads, const Buffer<float>& weight);
  void check_cancelled(const Plan& plan) const;

  const Config& config_;
  const Kernels& kernels_;
  const Weights& weights_;
  KeyValues& key_values_;
  ThreadPool& pool_;
  RopeTable rope_;
  Buffer<float> x_;               // [rows, hidden]
  Buffer<float> out_;             // [outputs, hidden]
  std::vector<int> all_rows_;     // 0, 1, ...
  std::vector<int> output_rows_;  // rows of the plan's outputs
  std::vector<Workspace> workspaces_;
  std::vector<Routing> routings_;   // [threads]
  Quantizer* quantizer_ = nullptr;  // while weights are being rounded
};

}  // namespace gavel
