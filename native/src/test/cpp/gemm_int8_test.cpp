#include <algorithm>
#include <cmath>

#include "checks.h"

namespace gavel::test {

namespace {

struct Case {
  int rows, columns;
  Int8Inputs inputs;
  Epilogue epilogue;
  int hadamard;
  float epsilon;

  bool paired() const { return epilogue == Epilogue::kSwiglu; }
  int weight_rows() const { return paired() ? 2 * columns : columns; }

  std::string text() const {
    return " int8 " + std::to_string(rows) + "x" + std::to_string(columns) + "x" + std::to_string(inputs.k) +
           " outliers " + std::to_string(inputs.outliers) + " epilogue " + std::to_string(static_cast<int>(epilogue)) +
           " hadamard " + std::to_string(hadamard);
  }
};

struct Weights {
  vector<int8_t> rounded;  // [weight rows, rounded inputs]; gate rows, then up rows
  vector<float> scales;    // [weight rows]
  vector<float> exact;     // [weight rows, outliers]
  vector<float> bias;      // [columns]
};

// Weights as the kernel wants them.
struct Packed {
  vector<int8_t> rounded;
  vector<float> scales;
  vector<float> exact;
  int panels;
};

Packed pack(const Kernels& kernels, const Case& c, const Weights& weights) {
  const Int8Layout& layout = kernels.int8_layout;
  const int dwords = layout.dwords(c.inputs);
  const int k = c.inputs.rounded();
  const int outliers = c.inputs.outliers;
  const int width = c.paired() ? kernels.panel / 2 : kernels.panel;
  Packed packed;
  packed.panels = (c.columns + width - 1) / width;
  const size_t size = static_cast<size_t>(packed.panels) * kernels.panel;
  packed.rounded.assign(size * dwords * layout.group, static_cast<int8_t>(layout.weight_offset));
  packed.scales.assign(size, 0);
  packed.exact.assign(size * outliers, 0);
  for (int n = 0; n < c.weight_rows(); n++) {
    const int column = n % c.columns;
    const size_t at = column % width + (n >= c.columns ? width : 0);
    const size_t panel = column / width;
    packed.scales[panel * kernels.panel + at] = weights.scales[n];
    for (int o = 0; o < outliers; o++) {
      packed.exact[(panel * outliers + o) * kernels.panel + at] = weights.exact[n * outliers + o];
    }
    for (int i = 0; i < k; i++) {
      packed.rounded[((panel * dwords + i / layout.group) * kernels.panel + at) * layout.group + i % layout.group] =
          static_cast<int8_t>(weights.rounded[static_cast<size_t>(n) * k + i] + layout.weight_offset);
    }
  }
  return packed;
}

struct Int8Product {
  vector<float> out;
  vector<int32_t> quantized;  // [rows, rounded inputs]
  vector<float> scales;
};

Int8Product multiply(const Kernels& kernels, const Case& c, vector<float> x, const Weights& weights,
                     const vector<float>& start) {
  const int group = kernels.int8_layout.group;
  const int dwords = kernels.int8_layout.dwords(c.inputs);
  const Packed packed = pack(kernels, c, weights);
  vector<float*> pointers;
  for (int r = 0; r < c.rows; r++) {
    pointers.push_back(x.data() + static_cast<size_t>(r) * c.inputs.k);
  }
  Int8Product product;
  vector<int32_t> packed_rows(static_cast<size_t>(c.rows) * dwords, -1);
  vector<int32_t> sums(c.rows);
  vector<float> outliers(c.rows * c.inputs.outliers, kPoison);
  product.scales.assign(c.rows, kPoison);
  const Int8Rows rows = {packed_rows.data(), product.scales.data(), sums.data(), outliers.data()};
  kernels.quantize_rows({pointers.data(), c.rows, c.inputs, c.hadamard, c.epsilon, rows});
  for (int r = 0; r < c.rows; r++) {
    const int tile = r / kernels.tile * kernels.tile;
    const int tile_rows = std::min(kernels.tile, c.rows - tile);
    for (int i = 0; i < c.inputs.rounded(); i++) {
      const int32_t dword =
          packed_rows[static_cast<size_t>(tile) * dwords + static_cast<size_t>(i / group) * tile_rows + r - tile];
      product.quantized.push_back(group == 4 ? static_cast<int8_t>(dword >> (i % 4 * 8))
                                             : static_cast<int16_t>(dword >> (i % 2 * 16)));
    }
  }
  product.out = start;
  kernels.gemm_int8({rows, c.rows, c.inputs, packed.rounded.data(), packed.scales.data(), packed.exact.data(), 0,
                     packed.panels, c.columns, product.out.data(), c.columns, c.epilogue,
                     c.epilogue == Epilogue::kStore ? weights.bias.data() : nullptr});
  return product;
}

Weights random_weights(const Case& c) {
  Weights weights;
  weights.rounded.resize(static_cast<size_t>(c.weight_rows()) * c.inputs.rounded());
  for (int8_t& weight : weights.rounded) {
    weight = static_cast<int8_t>(random_int(-127, 127));
  }
  weights.scales = randoms(c.weight_rows(), 0.01f);
  weights.exact = randoms(static_cast<size_t>(c.weight_rows()) * c.inputs.outliers, 0.1f);
  weights.bias = randoms(c.columns);
  return weights;
}

void expect_row(const std::string& what, const Case& c, int row, const Int8Product& expected, const Int8Product& found,
                const vector<float>& start) {
  const int k = c.inputs.k;
  expect_near(what + " scale", expected.scales[row], found.scales[row],
              (k + 16) * kUnit * std::fabs(expected.scales[row]));
  bool same = true;
  for (int i = 0; i < c.inputs.rounded(); i++) {
    const size_t at = static_cast<size_t>(row) * c.inputs.rounded() + i;
    same &= expected.quantized[at] == found.quantized[at];
    // The transform's roundings may move a value over a rounding border.
    expect_near(what + " quantized", expected.quantized[at], found.quantized[at], c.hadamard > 0 ? 1 : 0);
  }
  for (int n = 0; n < c.columns && same; n++) {
    const size_t at = static_cast<size_t>(row) * c.columns + n;
    // Integer sums are exact; the scale's roundings, k + 16 of them, the outliers' (each at most 0.5 in
    // size) and the epilogue's remain.
    const double size = std::fabs(expected.out[at]) + std::fabs(start[at]) + 1 + 0.5 * c.inputs.outliers;
    const double error = (k + 32) * kUnit * (std::fabs(expected.out[at]) + size) * (c.paired() ? 60 : 1);
    expect_near(what, expected.out[at], found.out[at], error);
  }
}

void test_int8(const Kernels& kernels, const Case& c) {
  const vector<float> x = randoms(static_cast<size_t>(c.rows) * c.inputs.k, 5);
  const vector<float> start = randoms(static_cast<size_t>(c.rows) * c.columns);
  const Weights weights = random_weights(c);
  const Int8Product found = multiply(kernels, c, x, weights, start);
  const Int8Product expected = multiply(reference_kernels(), c, x, weights, start);
  const std::string what = kernels.name + c.text();
  for (int r = 0; r < c.rows; r++) {
    expect_row(what, c, r, expected, found, start);
  }
  // A row alone has the same bits.
  const int row = random_int(0, c.rows - 1);
  const auto only = [row](const vector<float>& all, int width) {
    const auto begin = all.begin() + static_cast<int64_t>(row) * width;
    return vector<float>(begin, begin + width);
  };
  Case one = c;
  one.rows = 1;
  const Int8Product alone = multiply(kernels, one, only(x, c.inputs.k), weights, only(start, c.columns));
  for (int n = 0; n < c.columns; n++) {
    expect_equal(what + " alone", alone.out[n], found.out[static_cast<size_t>(row) * c.columns + n]);
  }
}

}  // namespace

void sweep_gemm_int8(const Kernels& kernels) {
  for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiglu}) {
    for (const int rows : {1, 5, 6, 7, 12, 13, 207}) {
      for (const int columns : {1, 16, 33, 131}) {
        for (const int k : {1, 13, 64, 207, 1536}) {
          test_int8(kernels, {rows, columns, {k, 0}, epilogue, 0, k % 2 == 0 ? 1e-5f : -1.0f});
        }
        test_int8(kernels, {rows, columns, {64, 3}, epilogue, 0, 1e-5f});
      }
    }
    for (const int outliers : {1, 4, 5, 8}) {
      test_int8(kernels, {13, 131, {207, outliers}, epilogue, 0, 1e-5f});
      test_int8(kernels, {25, 33, {outliers + 1, outliers}, epilogue, 0, -1.0f});
    }
  }
  for (const int block : {2, 4, 8, 16, 32, 64, 128, 256}) {
    test_int8(kernels, {13, 33, {3 * 256, 0}, Epilogue::kAdd, block, -1.0f});
  }
}

}  // namespace gavel::test
