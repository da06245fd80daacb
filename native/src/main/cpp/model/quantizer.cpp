#include "model/quantizer.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <numeric>
#include <utility>

namespace gavel {

namespace {

// Where the residual stream is wider, gate and up are rounded to the nearest: the products of its channels with each
// other would take gigabytes.
constexpr int kRoundingWidthMax = 8192;

constexpr int kOutliersMax = 8;      // each adds 1% to the products that read the stream, at a width of 576
constexpr double kOutlierPower = 2;  // times the mean channel's power

// Adds the squares of every row of a matrix to power[row].
void add_row_powers(const StagedMatrix& matrix, int k, double scale, std::vector<double>& power, ThreadPool& pool) {
  const TensorView view = {matrix.dtype, matrix.data.data()};
  pool.run(matrix.rows, [&](int64_t row, int) {
    double sum = 0;
    for (int64_t i = row * k; i < (row + 1) * k; i++) {
      sum += static_cast<double>(view.at(i)) * view.at(i);
    }
    power[row] += scale * sum;
  });
}

// Rounding would make numbers of what is none.
void require_finite(const float* row, int count) {
  bool finite = true;
  for (int i = 0; i < count; i++) {
    finite &= std::fabs(row[i]) <= FLT_MAX;
  }
  GAVEL_REQUIRE(finite, "weights: expected finite numbers to round to int8, found infinity or NaN");
}

}  // namespace

Quantizer::Quantizer(const Config& config, const Kernels& kernels, ThreadPool& pool, Arena& arena)
    : config_(config), kernels_(kernels), pool_(pool), arena_(arena), stream_(config.hidden), value_(config.head_dim) {}

void Quantizer::choose_outliers(const std::vector<Layer>& layers, const TensorView& embedding) {
  const int width = config_.hidden;
  std::vector<double> power(width);
  pool_.run(width, [&](int64_t i, int) {
    double sum = 0;
    for (int token = 0; token < config_.vocabulary; token++) {
      const double value = embedding.at(static_cast<int64_t>(token) * width + i);
      sum += value * value;
    }
    power[i] = sum / config_.vocabulary;
  });
  for (const Layer& layer : layers) {
    add_row_powers(layer.output.staged.front(), layer.output.k, 1, power, pool_);
    for (const Expert& expert : layer.experts) {
      const double share = 1.0 / static_cast<double>(layer.experts.size());
      add_row_powers(expert.down.staged.front(), expert.down.k, share, power, pool_);
    }
  }
  const double mean = std::accumulate(power.begin(), power.end(), 0.0) / width;
  std::vector<int> outliers;
  for (int i = 0; i < width; i++) {
    if (power[i] > kOutlierPower * mean) {
      outliers.push_back(i);
    }
  }
  std::sort(outliers.begin(), outliers.end(), [&](int a, int b) { return power[a] > power[b]; });
  outliers.resize(std::min<size_t>(outliers.size(), kOutliersMax));
  stream_ = Rotation(width, std::move(outliers));
}

void Quantizer::quantize(Layer& layer, bool sparse, bool last) {
  const float* attention_norm = layer.attention_norm.data();
  const float* feed_forward_norm = layer.feed_forward_norm.data();
  round(layer.query, gather_reader(layer.query, attention_norm), stream_inputs());
  key_value(layer.key_value, attention_norm);
  const int dim = config_.head_dim;
  const auto rotate_heads = [&](float* row) {
    for (int head = 0; head < config_.heads; head++) {
      value_.apply(row + static_cast<int64_t>(head) * dim);
    }
  };
  round(layer.output, gather_writer(layer.output, rotate_heads), {layer.output.k, 0});
  if (sparse) {
    // Which expert comes first must not depend on rounding.
    keep(layer.router, gather_reader(layer.router, feed_forward_norm));
  }
  for (Expert& expert : layer.experts) {
    feed_forward(expert, feed_forward_norm, last);
  }
  std::fill_n(layer.attention_norm.data(), config_.hidden, 1.0f);
  std::fill_n(layer.feed_forward_norm.data(), config_.hidden, 1.0f);
}

// What the last layer's down_proj gets wrong is not averaged out by any layer behind it, its input is the
// most uneven of all, and only rows with an output pass it: it stays in fp32.
void Quantizer::feed_forward(Expert& expert, const float* norm, bool last) {
  waiting_.emplace(&expert.gate_up, Waiting{expert.gate_up, {norm, norm + config_.hidden}});
  if (last) {
    keep(expert.down, gather_writer(expert.down, [](float*) {}));
    return;
  }
  const int width = expert.down.k;
  const auto mix = [width](float* row) { hadamard_blocks(row, width, hadamard_block(width)); };
  round(expert.down, gather_writer(expert.down, mix), {width, 0});
}

void Quantizer::round_for(const std::vector<Expert>& experts, const float* rows, int count) {
  const Rounding rounding = rounding_for(rows, count);
  for (const Expert& expert : experts) {
    const auto found = waiting_.find(&expert.gate_up);
    if (found != waiting_.end()) {
      round(found->second, rounding);
      waiting_.erase(found);
    }
  }
}

// By the part of normalized rows that is rounded.
Rounding Quantizer::rounding_for(const float* rows, int count) const {
  const Int8Inputs inputs = stream_inputs();
  if (inputs.rounded() > kRoundingWidthMax) {
    return {};
  }
  std::vector<float> sample;
  sample.reserve(static_cast<size_t>(count) * inputs.rounded());
  for (int r = 0; r < count; r++) {
    const float* row = rows + static_cast<int64_t>(r) * config_.hidden;
    const double squares = std::inner_product(row, row + config_.hidden, row, 0.0);
    const double norm = 1 / std::sqrt(squares / config_.hidden + config_.rms_epsilon);
    for (int i = inputs.outliers; i < config_.hidden; i++) {
      sample.push_back(static_cast<float>(row[i] * norm));
    }
  }
  return {sample, inputs.rounded(), pool_};
}

void Quantizer::finish() {
  for (const auto& [linear, waiting] : waiting_) {
    round(waiting, Rounding());
  }
  waiting_.clear();
}

void Quantizer::round(const Waiting& waiting, const Rounding& rounding) const {
  Linear& linear = waiting.linear;
  round(linear, gather_reader(linear, waiting.norm.data()), stream_inputs(), rounding);
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

// Every column of a matrix [rotation's width, k] := rotated column.
void Quantizer::rotate_columns(const Rotation& rotation, float* rows, int k) const {
  pool_.run(k, [&](int64_t column, int) {
    std::vector<float> values(rotation.width());
    for (int i = 0; i < rotation.width(); i++) {
      values[i] = rows[static_cast<int64_t>(i) * k + column];
    }
    rotation.apply(values.data());
    for (int i = 0; i < rotation.width(); i++) {
      rows[static_cast<int64_t>(i) * k + column] = values[i];
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

std::vector<float> Quantizer::gather_reader(const Linear& linear, const float* norm) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, reading(norm));
  return matrix;
}

std::vector<float> Quantizer::gather_writer(const Linear& linear, const RowTransform& transform) const {
  std::vector<float> matrix = gather(linear);
  transform_rows(matrix, linear.k, transform);
  rotate_columns(stream_, matrix.data(), linear.k);
  return matrix;
}

void Quantizer::key_value(Linear& linear, const float* norm) const {
  std::vector<float> matrix = gather_reader(linear, norm);
  const int dim = config_.head_dim;
  for (int head = 0; head < config_.kv_heads; head++) {
    const int first = config_.kv_width() + head * dim;
    rotate_columns(value_, matrix.data() + static_cast<int64_t>(first) * linear.k, linear.k);
    if (linear.bias.size() > 0) {
      value_.apply(linear.bias.data() + first);
    }
  }
  round(linear, matrix, stream_inputs());
}

// Packs the folded matrix in fp32.
void Quantizer::keep(Linear& linear, const std::vector<float>& matrix) const {
  pack_f32(kernels_, pool_, arena_, {GAVEL_F32, matrix.data()}, linear, linear.columns, 0, Half::kWhole);
  linear.staged.clear();
}

void Quantizer::quantize_head(Linear& head, const TensorView& rows, const float* final_norm) const {
  const int panel = kernels_.panel;
  shape(head, stream_inputs());
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
    pack_panel(head, block.data(), begin, static_cast<int>(index), Rounding());
  });
}

void Quantizer::round(Linear& linear, const std::vector<float>& matrix, const Int8Inputs& inputs,
                      const Rounding& rounding) const {
  shape(linear, inputs);
  pool_.run(linear.panels,
            [&](int64_t index, int) { pack_panel(linear, matrix.data(), 0, static_cast<int>(index), rounding); });
  linear.staged.clear();
}

Int8Inputs Quantizer::stream_inputs() const { return {config_.hidden, stream_.kept()}; }

// Makes room for a layer's int8 form.
void Quantizer::shape(Linear& linear, const Int8Inputs& inputs) const {
  const size_t columns = static_cast<size_t>(linear.panels) * kernels_.panel;
  linear.inputs = inputs;
  linear.packed_int8.place(arena_, columns * kernels_.int8_layout.dwords(inputs) * kernels_.int8_layout.group);
  linear.column_scales.place(arena_, columns);
  linear.outlier_weights.place(arena_, columns * inputs.outliers);
}

// matrix: rows from column `first` of the layer on.
void Quantizer::pack_panel(Linear& linear, const float* matrix, int first, int index, const Rounding& rounding) const {
  const int panel = kernels_.panel;
  const int width = linear.paired ? panel / 2 : panel;
  const int group = kernels_.int8_layout.group;
  const int offset = kernels_.int8_layout.weight_offset;
  const int outliers = linear.inputs.outliers;
  const int rounded = linear.inputs.rounded();
  const int64_t size = static_cast<int64_t>(kernels_.int8_layout.dwords(linear.inputs)) * panel * group;
  int8_t* out = linear.packed_int8.data() + index * size;
  float* scales = linear.column_scales.data() + static_cast<int64_t>(index) * panel;
  std::fill_n(out, size, static_cast<int8_t>(offset));
  std::fill_n(scales, panel, 0.0f);
  float* exact = linear.outlier_weights.data() + static_cast<int64_t>(index) * outliers * panel;
  std::fill_n(exact, outliers * panel, 0.0f);
  std::vector<int8_t> integers(rounded);
  for (int at = 0; at < panel; at++) {
    const int column = index * width + at % width;
    if (column >= linear.columns) {
      continue;
    }
    const float* row = matrix + (column - first + (at >= width ? linear.columns : 0)) * static_cast<int64_t>(linear.k);
    require_finite(row, linear.k);
    for (int o = 0; o < outliers; o++) {
      exact[o * panel + at] = *row++;
    }
    float most = 0;
    for (int i = 0; i < rounded; i++) {
      most = std::max(most, std::fabs(row[i]));
    }
    scales[at] = most / 127.0f;
    rounding.round(row, rounded, scales[at], integers.data());
    for (int i = 0; i < rounded; i++) {
      out[(static_cast<int64_t>(i / group) * panel + at) * group + i % group] =
          static_cast<int8_t>(integers[i] + offset);
    }
  }
}

}  // namespace gavel
