#include "model/forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "model/rotation.h"
#include "support/error.h"

namespace gavel {

namespace {

// Rows of a block: enough that a panel of weights, once in cache, is used many times; few enough that
// the block's own rows stay in a core's second-level cache.
constexpr int kBlockTiles = 4;

// Rows of a wide block that one thread rotates and stores.
constexpr int kRowsPerTask = 4;

// Blocks of whole tiles, as even as can be, a multiple of the threads in number.
std::vector<int> block_bounds(int rows, int tile, int threads) {
  const int tiles = (rows + tile - 1) / tile;
  int blocks = (tiles + kBlockTiles - 1) / kBlockTiles;
  blocks = std::min(tiles, (blocks + threads - 1) / threads * threads);
  std::vector<int> bounds;
  for (int b = 0; b <= blocks; b++) {
    bounds.push_back(std::min(rows, static_cast<int>(static_cast<int64_t>(tiles) * b / blocks) * tile));
  }
  return bounds;
}

}  // namespace

Forward::Forward(const Config& config, const Kernels& kernels, const Weights& weights, KeyValues& key_values,
                 ThreadPool& pool)
    : config_(config),
      kernels_(kernels),
      weights_(weights),
      key_values_(key_values),
      pool_(pool),
      rope_(config),
      all_rows_(config.batch_tokens_max),
      workspaces_(pool.threads()),
      routings_(pool.threads()) {
  std::iota(all_rows_.begin(), all_rows_.end(), 0);
}

void Forward::check_cancelled(const Plan& plan) const {
  if (plan.batch->cancel != nullptr && *plan.batch->cancel != 0) {
    fail(GAVEL_CANCELLED, "batch cancelled");
  }
}

void Forward::round_weights(const Plan& sample, Quantizer& quantizer) {
  all_rows_.resize(std::max<size_t>(all_rows_.size(), sample.rows()));
  std::iota(all_rows_.begin(), all_rows_.end(), 0);
  quantizer_ = &quantizer;
  run(sample);
  quantizer_ = nullptr;
}

// Whether all rows go as one block, through one layer after the other.
bool Forward::is_wide(const Plan& plan) const {
  return quantizer_ != nullptr || plan.rows() < 3 * pool_.threads() * kernels_.tile;
}

void Forward::size_scratch(const Plan& plan) {
  const int rows = plan.rows();
  const int block =
      quantizer_ != nullptr ? rows : std::min(rows, std::max(kBlockTiles + 1, 3 * pool_.threads()) * kernels_.tile);
  const int widest = std::max({config_.hidden, config_.query_width(), config_.intermediate});
  const int picks = config_.experts_per_token;
  rope_.reserve(plan.max_visible);
  key_values_.begin(plan);
  x_.reserve(static_cast<size_t>(rows) * config_.hidden);
  out_.reserve(plan.outputs.size() * config_.hidden);
  for (Workspace& ws : workspaces_) {
    const size_t count = block;
    ws.packed.reserve(count * std::max(widest, config_.experts > 0 ? config_.expert_intermediate : 0));
    ws.query.reserve(count * config_.query_width());
    ws.key_value.reserve(count * 2 * config_.kv_width());
    ws.attention.reserve(count * config_.query_width());
    ws.activation.reserve(count *
                          std::max(config_.intermediate, config_.experts > 0 ? config_.expert_intermediate : 0));
    if (config_.experts > 0) {
      // One expert may be chosen by every row of a block.
      ws.normed.reserve(count * config_.hidden);
      ws.routed.reserve(count * picks * config_.hidden);
      ws.expert_out.reserve(count * config_.hidden);
      ws.router.reserve(count * config_.experts);
    }
  }
}

void Forward::run(const Plan& plan) {
  size_scratch(plan);
  const int layers = config_.layers;
  const int rows = plan.rows();
  const int hidden = config_.hidden;
  const bool wide = is_wide(plan);
  const auto over_blocks = [&](const int* row_ids, int count, float* x, const auto& body) {
    if (wide) {
      body(Block{0, true, row_ids, count, x});
      return;
    }
    const std::vector<int> bounds = block_bounds(count, kernels_.tile, pool_.threads());
    pool_.run(static_cast<int64_t>(bounds.size()) - 1, [&](int64_t b, int thread) {
      const int begin = bounds[b];
      body(Block{thread, false, row_ids + begin, bounds[b + 1] - begin, x + static_cast<int64_t>(begin) * hidden});
    });
  };

  check_cancelled(plan);
  over_blocks(all_rows_.data(), rows, x_.data(), [&](const Block& block) {
    embed(plan, block);
    keys_values(plan, 0, block);
  });
  for (int layer = 0; layer + 1 < layers; layer++) {
    check_cancelled(plan);
    over_blocks(all_rows_.data(), rows, x_.data(), [&](const Block& block) {
      attention(plan, layer, block);
      feed_forward(layer, block);
      keys_values(plan, layer + 1, block);
    });
  }
  check_cancelled(plan);
  const int outputs = static_cast<int>(plan.outputs.size());
  if (outputs == 0) {
    return;
  }
  output_rows_.resize(outputs);
  for (int i = 0; i < outputs; i++) {
    output_rows_[i] = plan.outputs[i].row;
    std::memcpy(out_.data() + static_cast<int64_t>(i) * hidden,
                x_.data() + static_cast<int64_t>(output_rows_[i]) * hidden, hidden * sizeof(float));
  }
  over_blocks(output_rows_.data(), outputs, out_.data(), [&](const Block& block) {
    attention(plan, layers - 1, block);
    feed_forward(layers - 1, block);
  });
  check_cancelled(plan);
}

void Forward::embed(const Plan& plan, const Block& block) {
  for (int i = 0; i < block.count; i++) {
    weights_.embed(plan.tokens[block.rows[i]], block.x + static_cast<int64_t>(i) * config_.hidden);
  }
}

// body(begin, end) for all rows of the block; a wide block's in steps on all threads.
template <typename F>
void Forward::over_rows(const Block& block, int step, const F& body) {
  if (!block.wide) {
    body(0, block.count);
    return;
  }
  pool_.run((block.count + step - 1) / step, [&](int64_t task, int) {
    const int begin = static_cast<int>(task) * step;
    body(begin, std::min(block.count, begin + step));
  });
}

void Forward::point_at(const Block& block, float* rows, int width) {
  std::vector<float*>& pointers = workspaces_[block.thread].row_pointers;
  pointers.resize(block.count);
  for (int i = 0; i < block.count; i++) {
    pointers[i] = rows + static_cast<int64_t>(i) * width;
  }
}

// Packs the rows that the block's thread points at, as `reader` wants them.
void Forward::pack(const Linear& reader, const Block& block, const float* norm_weight, int hadamard) {
  Workspace& ws = workspaces_[block.thread];
  const float epsilon = static_cast<float>(config_.rms_epsilon);
  if (reader.is_int8()) {
    ws.quantized.reserve(block.count, reader.inputs, kernels_.int8_layout);
    const int dwords = kernels_.int8_layout.dwords(reader.inputs);
    over_rows(block, kernels_.tile, [&](int begin, int end) {
      kernels_.quantize_rows({ws.row_pointers.data() + begin, end - begin, reader.inputs, hadamard,
                              norm_weight == nullptr ? -1.0f : epsilon,
                              ws.quantized.rows().from(begin, reader.inputs, dwords)});
    });
  } else {
    over_rows(block, kernels_.tile, [&](int begin, int end) {
      kernels_.pack_rows({ws.row_pointers.data() + begin, end - begin, reader.k, norm_weight, epsilon,
                          ws.packed.data() + static_cast<int64_t>(begin) * reader.k});
    });
  }
}

// Multiplies the packed rows of the block's thread.
void Forward::linear(const Linear& linear, const Block& block, float* out, int64_t stride, Epilogue epilogue) {
  const Product product = {linear, out, stride, epilogue};
  if (block.wide) {
    multiply_wide({product}, block);
  } else {
    multiply(product, block, 0, linear.panels);
  }
}

void Forward::multiply(const Product& product, const Block& block, int panel_begin, int panel_end) {
  Workspace& ws = workspaces_[block.thread];
  const Linear& linear = product.linear;
  if (linear.is_int8()) {
    kernels_.gemm_int8({ws.quantized.rows(), block.count, linear.inputs, linear.packed_int8.data(),
                        linear.column_scales.data(), linear.outlier_weights.data(), panel_begin, panel_end,
                        linear.columns, product.out, product.stride, product.epilogue, linear.bias_data()});
  } else {
    kernels_.gemm_f32({ws.packed.data(), block.count, linear.k, linear.packed.data(), panel_begin, panel_end,
                       linear.columns, product.out, product.stride, product.epilogue, linear.bias_data()});
  }
}

// Products of the same rows, all panels spread over all threads, with one barrier.
void Forward::multiply_wide(std::initializer_list<Product> products, const Block& block) {
  int64_t panels = 0;
  for (const Product& product : products) {
    panels += product.linear.panels;
  }
  // A few tasks per thread, so that a slow core takes fewer.
  const int64_t tasks = std::min<int64_t>(panels, pool_.threads() * 4);
  pool_.run(tasks, [&](int64_t task, int) {
    int64_t begin = panels * task / tasks;
    int64_t end = panels * (task + 1) / tasks;
    for (const Product& product : products) {
      const int64_t size = product.linear.panels;
      if (begin < size && end > 0) {
        multiply(product, block, static_cast<int>(std::max<int64_t>(begin, 0)), static_cast<int>(std::min(end, size)));
      }
      begin -= size;
      end -= size;
    }
  });
}

void Forward::norm_heads(float* row, int heads, const Buffer<float>& weight) {
  if (weight.size() > 0) {
    kernels_.rms_norm({row, config_.head_dim, heads, config_.head_dim, weight.data(),
                       static_cast<float>(config_.rms_epsilon), row, config_.head_dim});
  }
}

// A wide block's queries are computed on the way, except in the last layer, where fewer rows have any.
void Forward::keys_values(const Plan& plan, int index, const Block& block) {
  const Layer& layer = weights_.layers()[index];
  Workspace& ws = workspaces_[block.thread];
  const int width = config_.kv_width();
  point_at(block, block.x, config_.hidden);
  pack(layer.key_value, block, layer.attention_norm.data());
  if (block.wide && index + 1 < config_.layers) {
    multiply_wide({{layer.key_value, ws.key_value.data(), 2 * width, Epilogue::kStore},
                   {layer.query, ws.query.data(), config_.query_width(), Epilogue::kStore}},
                  block);
  } else {
    linear(layer.key_value, block, ws.key_value.data(), 2 * width, Epilogue::kStore);
  }
  over_rows(block, kRowsPerTask, [&](int begin, int end) {
    for (int i = begin; i < end; i++) {
      const int row = block.rows[i];
      float* keys = ws.key_value.data() + static_cast<int64_t>(i) * 2 * width;
      const int position = plan.positions[row];
      norm_heads(keys, config_.kv_heads, layer.key_norm);
      kernels_.rope({keys, config_.kv_heads, config_.head_dim, rope_.cosines(position), rope_.sines(position)});
      key_values_.store(plan, index, row, keys, keys + width);
    }
  });
}

void Forward::queries(const Plan& plan, int index, const Block& block) {
  const Layer& layer = weights_.layers()[index];
  Workspace& ws = workspaces_[block.thread];
  const int width = config_.query_width();
  if (!block.wide || index + 1 == config_.layers) {
    point_at(block, block.x, config_.hidden);
    pack(layer.query, block, layer.attention_norm.data());
    linear(layer.query, block, ws.query.data(), width, Epilogue::kStore);
  }
  ws.positions.resize(block.count);
  over_rows(block, kRowsPerTask, [&](int begin, int end) {
    for (int i = begin; i < end; i++) {
      float* row = ws.query.data() + static_cast<int64_t>(i) * width;
      const int position = plan.positions[block.rows[i]];
      ws.positions[i] = position;
      norm_heads(row, config_.heads, layer.query_norm);
      kernels_.rope({row, config_.heads, config_.head_dim, rope_.cosines(position), rope_.sines(position)});
    }
  });
}

void Forward::attention(const Plan& plan, int index, const Block& block) {
  const Layer& layer = weights_.layers()[index];
  Workspace& ws = workspaces_[block.thread];
  const int width = config_.query_width();
  queries(plan, index, block);
  attend(plan, index, block);
  point_at(block, ws.attention.data(), width);
  pack(layer.output, block, nullptr);
  linear(layer.output, block, block.x, config_.hidden, Epilogue::kAdd);
}

// Rows of one sequence share keys, so the block is cut by sequence.
void Forward::attend(const Plan& plan, int layer, const Block& block) {
  std::vector<int>& bounds = routings_[block.thread].begins;  // scratch
  bounds.clear();
  for (int i = 0; i < block.count; i++) {
    if (i == 0 || plan.row_sequence[block.rows[i]] != plan.row_sequence[block.rows[i - 1]]) {
      bounds.push_back(i);
    }
  }
  bounds.push_back(block.count);
  const int64_t runs = static_cast<int64_t>(bounds.size()) - 1;
  Workspace& ws = workspaces_[block.thread];
  const int64_t width = config_.query_width();
  const auto body = [&](int64_t task, int thread) {
    const int64_t run = task / config_.kv_heads;
    const int head = static_cast<int>(task % config_.kv_heads);
    const int begin = bounds[run];
    const int64_t offset = begin * width + head * config_.group() * config_.head_dim;
    const QueryRows rows = {ws.query.data() + offset, ws.attention.data() + offset, width, ws.positions.data() + begin,
                            bounds[run + 1] - begin};
    key_values_.attend(plan, layer, plan.row_sequence[block.rows[begin]], head, rows, thread);
  };
  if (block.wide) {
    pool_.run(runs * config_.kv_heads, body);
    return;
  }
  for (int64_t task = 0; task < runs * config_.kv_heads; task++) {
    body(task, block.thread);
  }
}

void Forward::feed_forward(int index, const Block& block) {
  const Layer& layer = weights_.layers()[index];
  if (quantizer_ != nullptr) {
    quantizer_->round_for(layer.experts, block.x, block.count);
  }
  if (config_.sparse(index)) {
    sparse_feed_forward(index, block);
    return;
  }
  Workspace& ws = workspaces_[block.thread];
  const Expert& dense = layer.experts[0];
  point_at(block, block.x, config_.hidden);
  pack(dense.gate_up, block, layer.feed_forward_norm.data());
  linear(dense.gate_up, block, ws.activation.data(), config_.intermediate, Epilogue::kSwiglu);
  point_at(block, ws.activation.data(), config_.intermediate);
  pack(dense.down, block, nullptr, hadamard_block(config_.intermediate));
  linear(dense.down, block, block.x, config_.hidden, Epilogue::kAdd);
}

int64_t Forward::workspace_bytes() const {
  size_t total = x_.bytes() + out_.bytes() + static_cast<size_t>(key_values_.scratch_bytes());
  for (const Workspace& ws : workspaces_) {
    for (const Buffer<float>* buffer : {&ws.packed, &ws.query, &ws.key_value, &ws.attention, &ws.activation, &ws.normed,
                                        &ws.routed, &ws.expert_out, &ws.router}) {
      total += buffer->bytes();
    }
  }
  return static_cast<int64_t>(total);
}

}  // namespace gavel
