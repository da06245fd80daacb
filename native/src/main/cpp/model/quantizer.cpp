#include "model/quantizer.h"

#include <algorithm>
#include <cmath>

namespace gavel {

Quantizer::Quantizer(const Config& config, const Kernels& kernels, ThreadPool& pool)
    : config_(config), kernels_(kernels), pool_(pool), stream_(config.hidden), value_(config.head_dim) {}

void Quantizer::quantize(Layer& layer, bool sparse) const {
  reader(layer.query, layer.attention_norm.data());
  key_value(layer.key_value, layer.attention_norm.data());
  const int dim = config_.head_dim;
  writer(layer.output, [&](float* row) {
    for (int head = 0; head < config_.heads; head++) {
      value_.apply(row + static_cast<int64_t>(head) * dim);
    }
  });
  if (sparse) {
    router(layer.router, layer.feed_forward_norm.data());
  }
  for (Expert& expert : layer.experts) {
    reader(expert.gate_up, layer.feed_forward_norm.data());
    const int width = expert.down.k;
    writer(expert.down, [width](float* row) { hadamard_blocks(row, width, hadamard_block(width)); });
  }
  std::fill_n(layer.attention_norm.data(), config_.hidden, 1.0f);
  std::fill_n(layer.feed_forward_norm.data(), config_.hidden, 1.0f);
}

// The matrix of a linear layer in fp32, row by row as on disk; gate rows come before up rows.
std::vector<float> Quantizer::gather(const Linear& linear) const {
  const int64_t rows = static_cast<int64_t>(linear.columns) * (linear.paired ? 2 : 1);
  std::vector<float> matrix(rows * linear.k);
  for (const StagedMatrix& part : linear.staged) {
    const TensorView view = {part.dtype, part.data.data()};
    const int64_t begin = (part.row_offset + (part.up ? linear.columns : 0)) * static_cast<int64_t>(linear.k);
    pool_.run(part.rows, [&](int64_t row, int) {
      for (int64_t i = row * linear.k; i < (row + 1) * linear.k; i++) {
        matrix[begin + i] = view.at(i);
      }
    });
  }
  return matrix;
}

void Quantizer::transform_rows(std::vector<float>& matrix, int k, const RowTransform& transform) const {
  pool_.run(static_cast<int64_t>(matrix.size()) / k, [&](int64_t row, int) { transform(matrix.data() + row * k); });
}

// Every column := R column, a stripe of columns at a time.
void Quantizer::rotate_outputs(std::vector<float>& matrix, int k) const {
  const int rows = stream_.width();
  pool_.run(k, [&](int64_t column, int) {
    std::vector<float> values(rows);
    for (int i = 0; i < rows; i++) {
      values[i] = matrix[static_cast<int64_t>(i) * k + column];
    }
    stream_.apply(values.data());
    for (int i = 0; i < rows; i++) {
      matrix[static_cast<int64_t>(i) * k + column] = values[i];
    }
  });
}

Quantizer::RowTransform Quantizer::reading(const float* norm) const {
  return [this, norm](float* row) {
    for (int i = 0; i < config_.hidden; i++) {
      row[i] *= norm[i];
    }
    stream_.apply(row);
  };
}

void Quantizer::reader(Linear& linear, const float* norm) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, reading(norm));
  pack(linear, matrix);
}

void Quantizer::writer(Linear& linear, const RowTransform& inputs) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, inputs);
  rotate_outputs(matrix, linear.k);
  pack(linear, matrix);
}

void Quantizer::key_value(Linear& linear, const float* norm) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, reading(norm));
  const int dim = config_.head_dim;
  const int keys = config_.kv_width();
  std::vector<float> column(dim);
  for (int head = 0; head < config_.kv_heads; head++) {
    const int first = keys + head * dim;
    float* rows = matrix.data() + static_cast<int64_t>(first) * linear.k;
    value_.apply_to_columns(rows, linear.k);
    if (linear.bias.size() > 0) {
      value_.apply(linear.bias.data() + first);
    }
  }
  pack(linear, matrix);
}

// Which expert comes first must not depend on rounding: the router stays in fp32.
void Quantizer::router(Linear& linear, const float* norm) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, reading(norm));
  const int panel = kernels_.panel;
  linear.packed.reserve(static_cast<size_t>(linear.panels) * linear.k * panel);
  std::fill_n(linear.packed.data(), linear.packed.size(), 0.0f);
  for (int n = 0; n < linear.columns; n++) {
    float* out = linear.packed.data() + static_cast<int64_t>(n / panel) * linear.k * panel + n % panel;
    for (int i = 0; i < linear.k; i++) {
      out[static_cast<int64_t>(i) * panel] = matrix[static_cast<int64_t>(n) * linear.k + i];
    }
  }
  linear.staged.clear();
}

void Quantizer::quantize_head(Linear& head, const TensorView& rows, const float* final_norm) const {
  const int panel = kernels_.panel;
  const int groups = kernels_.int8_layout.groups(head.k);
  head.packed_int8.reserve(static_cast<size_t>(head.panels) * groups * panel * kernels_.int8_layout.group);
  head.column_scales.reserve(static_cast<size_t>(head.panels) * panel);
  const RowTransform transform = reading(final_norm);
  pool_.run(head.panels, [&](int64_t index, int) {
    const int begin = static_cast<int>(index) * panel;
    const int count = std::min(panel, head.columns - begin);
    std::vector<float> block(static_cast<size_t>(count) * head.k);
    for (int n = 0; n < count; n++) {
      float* row = block.data() + static_cast<int64_t>(n) * head.k;
      for (int i = 0; i < head.k; i++) {
        row[i] = rows.at(static_cast<int64_t>(begin + n) * head.k + i);
      }
      transform(row);
    }
    pack_panel(head, block.data(), begin, static_cast<int>(index));
  });
}

void Quantizer::pack(Linear& linear, const std::vector<float>& matrix) const {
  const int panel = kernels_.panel;
  const int groups = kernels_.int8_layout.groups(linear.k);
  linear.packed_int8.reserve(static_cast<size_t>(linear.panels) * groups * panel * kernels_.int8_layout.group);
  linear.column_scales.reserve(static_cast<size_t>(linear.panels) * panel);
  pool_.run(linear.panels, [&](int64_t index, int) { pack_panel(linear, matrix.data(), 0, static_cast<int>(index)); });
  linear.staged.clear();
}

// matrix: rows from column `first` of the layer on.
void Quantizer::pack_panel(Linear& linear, const float* matrix, int first, int index) const {
  const int panel = kernels_.panel;
  const int width = linear.paired ? panel / 2 : panel;
  const int group = kernels_.int8_layout.group;
  const int offset = kernels_.int8_layout.weight_offset;
  const int64_t size = static_cast<int64_t>(kernels_.int8_layout.groups(linear.k)) * panel * group;
  int8_t* out = linear.packed_int8.data() + index * size;
  float* scales = linear.column_scales.data() + static_cast<int64_t>(index) * panel;
  std::fill_n(out, size, static_cast<int8_t>(offset));
  std::fill_n(scales, panel, 0.0f);
  for (int at = 0; at < panel; at++) {
    const int column = index * width + at % width;
    if (column >= linear.columns) {
      continue;
    }
    const float* row = matrix + (column - first + (at >= width ? linear.columns : 0)) * static_cast<int64_t>(linear.k);
    float most = 0;
    for (int i = 0; i < linear.k; i++) {
      most = std::max(most, std::fabs(row[i]));
    }
    const float inverse = most > 0 ? 127.0f / most : 0.0f;
    scales[at] = most / 127.0f;
    for (int i = 0; i < linear.k; i++) {
      out[(static_cast<int64_t>(i / group) * panel + at) * group + i % group] =
          static_cast<int8_t>(static_cast<int>(std::nearbyint(row[i] * inverse)) + offset);
    }
  }
}

}  // namespace gavel
