// Sweeps every vector kernel of every instruction set of this processor against the plain reference,
// at awkward sizes, with outputs poisoned beforehand and guard values behind them.
//
// Tolerances are error bounds, with u = 2^-24 the unit roundoff of fp32: a sum of n products in any
// order is off by at most n u times the sum of absolute products (Higham, Accuracy and Stability of
// Numerical Algorithms, section 3.1). The references sum in double precision.
#include "kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using gavel::Kernels;
using std::vector;

constexpr double kUnit = 0x1p-24;
constexpr float kGuard = 12345.0f;
constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

int failures = 0;
int checks = 0;
std::mt19937_64 generator;

vector<float> randoms(size_t count, float scale = 1) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  vector<float> values(count);
  for (float& value : values) {
    value = uniform(generator);
  }
  return values;
}

int random_int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

void expect_near(const std::string& what, double expected, double found, double tolerance) {
  checks++;
  if (!(std::fabs(expected - found) <= tolerance) && failures++ < 20) {
    std::printf("FAILED %s: expected %.9g, found %.9g, tolerance %.3g\n", what.c_str(), expected, found, tolerance);
  }
}

void expect_equal(const std::string& what, float expected, float found) {
  checks++;
  if (expected != found && failures++ < 20) {
    std::printf("FAILED %s: expected %.9g, found %.9g\n", what.c_str(), static_cast<double>(expected),
                static_cast<double>(found));
  }
}

// weights: [columns, k] row-major, or gate then up rows for swiglu.
vector<float> pack_weights(const vector<float>& weights, int columns, int k, int panel, bool paired) {
  const int width = paired ? panel / 2 : panel;
  const int panels = (columns + width - 1) / width;
  vector<float> packed(static_cast<size_t>(panels) * k * panel, 0.0f);
  for (int n = 0; n < columns; n++) {
    for (int i = 0; i < k; i++) {
      float* at = packed.data() + (static_cast<size_t>(n / width) * k + i) * panel + n % width;
      at[0] = weights[static_cast<size_t>(n) * k + i];
      if (paired) {
        at[width] = weights[static_cast<size_t>(columns + n) * k + i];
      }
    }
  }
  return packed;
}

struct Product {
  vector<float> out;
  int stride;
};

Product multiply(const Kernels& kernels, const vector<float>& x, int rows, const vector<float>& weights, int columns,
                 int k, gavel::Epilogue epilogue, const vector<float>& start, const float* norm, const float* bias) {
  const bool paired = epilogue == gavel::Epilogue::kSwiglu;
  const vector<float> packed_weights = pack_weights(weights, columns, k, kernels.panel, paired);
  vector<const float*> pointers;
  for (int r = 0; r < rows; r++) {
    pointers.push_back(x.data() + static_cast<size_t>(r) * k);
  }
  vector<float> packed_rows(static_cast<size_t>(rows) * k + 16, kPoison);
  kernels.pack_rows({pointers.data(), rows, k, norm, 1e-5f, packed_rows.data()});
  Product product{{}, columns + 3};
  product.out.assign(static_cast<size_t>(rows) * product.stride, kGuard);
  for (int r = 0; r < rows; r++) {
    for (int n = 0; n < columns; n++) {
      product.out[r * product.stride + n] =
          epilogue == gavel::Epilogue::kAdd ? start[static_cast<size_t>(r) * columns + n] : kPoison;
    }
  }
  const int width = paired ? kernels.panel / 2 : kernels.panel;
  const int panels = (columns + width - 1) / width;
  const int middle = panels / 2;  // in two pieces, as threads do it
  for (const auto& [begin, end] : {std::pair{0, middle}, std::pair{middle, panels}}) {
    kernels.gemm_f32({packed_rows.data(), rows, k, packed_weights.data(), begin, end, columns, product.out.data(),
                      product.stride, epilogue, bias});
  }
  return product;
}

void test_gemm(const Kernels& kernels, int rows, int columns, int k, gavel::Epilogue epilogue, bool norm) {
  const bool paired = epilogue == gavel::Epilogue::kSwiglu;
  const vector<float> x = randoms(static_cast<size_t>(rows) * k);
  const vector<float> weights = randoms(static_cast<size_t>(columns) * k * (paired ? 2 : 1));
  const vector<float> start = randoms(static_cast<size_t>(rows) * columns);
  const vector<float> gains = randoms(k, 2);
  const vector<float> bias = randoms(columns);
  const float* gain = norm ? gains.data() : nullptr;
  const float* bias_data = epilogue == gavel::Epilogue::kStore ? bias.data() : nullptr;
  const Product found = multiply(kernels, x, rows, weights, columns, k, epilogue, start, gain, bias_data);
  const Product expected =
      multiply(gavel::reference_kernels(), x, rows, weights, columns, k, epilogue, start, gain, bias_data);
  const std::string what = std::string(kernels.name) + " gemm " + std::to_string(rows) + "x" + std::to_string(columns) +
                           "x" + std::to_string(k) + " epilogue " + std::to_string(static_cast<int>(epilogue)) +
                           (norm ? " normed" : "");
  for (int r = 0; r < rows; r++) {
    double row_bound = 0;  // largest absolute input after the norm
    double squares = 0;
    for (int i = 0; i < k; i++) {
      squares += static_cast<double>(x[static_cast<size_t>(r) * k + i]) * x[static_cast<size_t>(r) * k + i];
    }
    const double scale = norm ? 2 / std::sqrt(squares / k + 1e-5) : 1;
    for (int i = 0; i < k; i++) {
      row_bound += std::fabs(x[static_cast<size_t>(r) * k + i]) * scale;  // weights are at most 1
    }
    // k products; the norm adds k + 4 roundings to each input.
    const double sum_error = ((norm ? 2 * k + 8 : k + 2) * row_bound + 2) * kUnit;
    for (int n = 0; n < columns; n++) {
      const double value = expected.out[r * expected.stride + n];
      // d(silu(g) u) <= 1.1 |u| dg + |silu(g)| du, with |u|, |g| <= row_bound, and 16 u for silu itself.
      const double tolerance = paired ? 2.1 * row_bound * sum_error + 16 * kUnit * (row_bound * row_bound + 1)
                                      : sum_error + kUnit * std::fabs(value);
      expect_near(what, value, found.out[r * found.stride + n], tolerance);
    }
    for (int n = columns; n < found.stride; n++) {
      expect_equal(what + " guard", kGuard, found.out[r * found.stride + n]);
    }
  }
  // A row alone has the same bits.
  const int row = random_int(0, rows - 1);
  const vector<float> one(x.begin() + static_cast<size_t>(row) * k, x.begin() + static_cast<size_t>(row + 1) * k);
  const vector<float> one_start(start.begin() + static_cast<size_t>(row) * columns,
                                start.begin() + static_cast<size_t>(row + 1) * columns);
  const Product alone = multiply(kernels, one, 1, weights, columns, k, epilogue, one_start, gain, bias_data);
  for (int n = 0; n < columns; n++) {
    expect_equal(what + " alone", alone.out[n], found.out[row * found.stride + n]);
  }
}

template <typename T>
T narrow(float x);

template <>
float narrow<float>(float x) {
  return x;
}

template <>
gavel::Bfloat16 narrow<gavel::Bfloat16>(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<gavel::Bfloat16>(bits >> 16);
}

template <typename T>
vector<T> narrowed(const vector<float>& values) {
  vector<T> result;
  for (float value : values) {
    result.push_back(narrow<T>(value));
  }
  return result;
}

size_t key_index(float, int d, int i, int stride) { return static_cast<size_t>(d) * stride + i; }
size_t key_index(gavel::Bfloat16, int d, int i, int stride) {
  return (static_cast<size_t>(d) / 2 * stride + i) * 2 + d % 2;
}

void run_attention(const Kernels& kernels, const gavel::Attention<float>& args) { kernels.attention(args); }
void run_attention(const Kernels& kernels, const gavel::Attention<gavel::Bfloat16>& args) {
  kernels.attention_bf16(args);
}

// The keys of one head, laid out in spans of random lengths.
template <typename T>
struct Keys {
  vector<vector<T>> tiles;
  vector<T> values;
  vector<gavel::KeySpan<T>> spans;
};

template <typename T>
Keys<T> lay_out(const vector<T>& keys, const vector<T>& values, int count, int dim, bool random_spans) {
  Keys<T> result;
  result.values = values;
  result.values.resize(values.size() + 64);
  for (int begin = 0; begin < count;) {
    const int most = std::min(gavel::kKeyTile, count - begin);
    const int size = random_spans ? random_int(1, most) : most;
    const int stride = random_spans ? random_int(size, gavel::kKeyTile + 3) : gavel::kKeyTile;
    vector<T> tile(static_cast<size_t>(dim) * stride + 2 * gavel::kKeyTile, narrow<T>(kPoison));
    for (int i = 0; i < size; i++) {
      for (int d = 0; d < dim; d++) {
        tile[key_index(T{}, d, i, stride)] = keys[static_cast<size_t>(begin + i) * dim + d];
      }
    }
    result.tiles.push_back(std::move(tile));
    result.spans.push_back({result.tiles.back().data(), nullptr, size, stride});
    begin += size;
  }
  int begin = 0;
  for (gavel::KeySpan<T>& span : result.spans) {
    span.values = result.values.data() + static_cast<size_t>(begin) * dim;
    begin += span.count;
  }
  return result;
}

template <typename T>
vector<float> attend(const Kernels& kernels, const vector<T>& queries, const Keys<T>& keys, const vector<int>& visible,
                     int dim, float scale) {
  const int rows = static_cast<int>(visible.size());
  const int most = *std::max_element(visible.begin(), visible.end());
  const int64_t stride = (most + 15) / 16 * 16 + 16;
  vector<float> scores(gavel::kAttentionRows * stride, kPoison);
  vector<float> out(static_cast<size_t>(rows) * dim, kPoison);
  vector<const T*> query_rows;
  vector<float*> out_rows;
  for (int r = 0; r < rows; r++) {
    query_rows.push_back(queries.data() + static_cast<size_t>(r) * dim);
    out_rows.push_back(out.data() + static_cast<size_t>(r) * dim);
  }
  run_attention(kernels, {query_rows.data(), out_rows.data(), visible.data(), rows, keys.spans.data(), dim, scale,
                          scores.data(), stride});
  return out;
}

template <typename T>
void test_attention(const Kernels& kernels, int rows, int count, int dim, float magnitude) {
  const vector<T> queries = narrowed<T>(randoms(static_cast<size_t>(rows) * dim, magnitude));
  const vector<T> keys = narrowed<T>(randoms(static_cast<size_t>(count) * dim, magnitude));
  const vector<T> values = narrowed<T>(randoms(static_cast<size_t>(count) * dim));
  vector<int> visible;
  for (int r = 0; r < rows; r++) {
    visible.push_back(random_int(1, count));
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const Keys<T> ragged = lay_out<T>(keys, values, count, dim, true);
  const Keys<T> even = lay_out<T>(keys, values, count, dim, false);
  const vector<float> expected = attend(gavel::reference_kernels(), queries, ragged, visible, dim, scale);
  const vector<float> found = attend(kernels, queries, ragged, visible, dim, scale);
  const vector<float> elsewhere = attend(kernels, queries, even, visible, dim, scale);
  const bool bf16 = sizeof(T) == 2;
  const std::string what = std::string(kernels.name) + (bf16 ? " attention_bf16" : " attention") + " rows " +
                           std::to_string(rows) + " keys " + std::to_string(count) + " dim " + std::to_string(dim);
  // A score is off by (dim + 2) u |q||k| scale, a weight by twice that and 8 u of the exponential
  // relatively, the sum of weighted values (at most 1 in size) by n u more. In bf16 each weight is also
  // rounded, by at most 2^-9 relatively in it and in the sum.
  const double score_error = (dim + 2) * kUnit * dim * magnitude * magnitude * scale;
  const double tolerance = 2 * score_error + (8 + 2 * count) * kUnit + (bf16 ? 2 * 0x1p-9 : 0);
  for (size_t i = 0; i < found.size(); i++) {
    expect_near(what, expected[i], found[i], tolerance);
    expect_equal(what + " spans", elsewhere[i], found[i]);
  }
}

struct Int8Product {
  vector<float> out;
  vector<int32_t> quantized;  // [rows, k]
  vector<float> scales;
};

Int8Product multiply_int8(const Kernels& kernels, vector<float> x, int rows, const vector<int8_t>& weights,
                          const vector<float>& scales, int columns, int k, gavel::Epilogue epilogue,
                          const vector<float>& start, int hadamard, float epsilon, const float* bias) {
  const bool paired = epilogue == gavel::Epilogue::kSwiglu;
  const int group = kernels.int8_layout.group;
  const int groups = kernels.int8_layout.groups(k);
  const int width = paired ? kernels.panel / 2 : kernels.panel;
  const int panels = (columns + width - 1) / width;
  vector<int8_t> packed(static_cast<size_t>(panels) * groups * kernels.panel * group,
                        static_cast<int8_t>(kernels.int8_layout.weight_offset));
  vector<float> packed_scales(static_cast<size_t>(panels) * kernels.panel, 0.0f);
  for (int n = 0; n < columns * (paired ? 2 : 1); n++) {
    const int column = n % columns;
    const int at = column % width + (n >= columns ? width : 0);
    const int panel = column / width;
    packed_scales[static_cast<size_t>(panel) * kernels.panel + at] = scales[n];
    for (int i = 0; i < k; i++) {
      packed[((static_cast<size_t>(panel) * groups + i / group) * kernels.panel + at) * group + i % group] =
          static_cast<int8_t>(weights[static_cast<size_t>(n) * k + i] + kernels.int8_layout.weight_offset);
    }
  }
  vector<float*> pointers;
  for (int r = 0; r < rows; r++) {
    pointers.push_back(x.data() + static_cast<size_t>(r) * k);
  }
  Int8Product product;
  vector<int32_t> packed_rows(static_cast<size_t>(rows) * groups, -1);
  vector<int32_t> sums(rows);
  product.scales.assign(rows, kPoison);
  kernels.quantize_rows(
      {pointers.data(), rows, k, hadamard, epsilon, packed_rows.data(), product.scales.data(), sums.data()});
  for (int r = 0; r < rows; r++) {
    const int tile = r / kernels.tile * kernels.tile;
    const int tile_rows = std::min(kernels.tile, rows - tile);
    for (int i = 0; i < k; i++) {
      const int32_t dword =
          packed_rows[static_cast<size_t>(tile) * groups + static_cast<size_t>(i / group) * tile_rows + r - tile];
      product.quantized.push_back(group == 4 ? static_cast<int8_t>(dword >> (i % 4 * 8))
                                             : static_cast<int16_t>(dword >> (i % 2 * 16)));
    }
  }
  product.out = start;
  kernels.gemm_int8({packed_rows.data(), product.scales.data(), sums.data(), rows, groups, packed.data(),
                     packed_scales.data(), 0, panels, columns, product.out.data(), columns, epilogue, bias});
  return product;
}

void test_int8(const Kernels& kernels, int rows, int columns, int k, gavel::Epilogue epilogue, int hadamard,
               float epsilon) {
  const bool paired = epilogue == gavel::Epilogue::kSwiglu;
  const vector<float> x = randoms(static_cast<size_t>(rows) * k, 5);
  const vector<float> start = randoms(static_cast<size_t>(rows) * columns);
  const vector<float> bias = randoms(columns);
  const float* bias_data = epilogue == gavel::Epilogue::kStore ? bias.data() : nullptr;
  const vector<float> scales = randoms(static_cast<size_t>(columns) * 2, 0.01f);
  vector<int8_t> weights(static_cast<size_t>(columns) * k * (paired ? 2 : 1));
  for (int8_t& weight : weights) {
    weight = static_cast<int8_t>(random_int(-127, 127));
  }
  const Int8Product found =
      multiply_int8(kernels, x, rows, weights, scales, columns, k, epilogue, start, hadamard, epsilon, bias_data);
  const Int8Product expected = multiply_int8(gavel::reference_kernels(), x, rows, weights, scales, columns, k, epilogue,
                                             start, hadamard, epsilon, bias_data);
  const std::string what = std::string(kernels.name) + " int8 " + std::to_string(rows) + "x" + std::to_string(columns) +
                           "x" + std::to_string(k) + " epilogue " + std::to_string(static_cast<int>(epilogue)) +
                           " hadamard " + std::to_string(hadamard);
  for (int r = 0; r < rows; r++) {
    expect_near(what + " scale", expected.scales[r], found.scales[r], (k + 16) * kUnit * std::fabs(expected.scales[r]));
    bool same = true;
    for (int i = 0; i < k; i++) {
      const size_t at = static_cast<size_t>(r) * k + i;
      same &= expected.quantized[at] == found.quantized[at];
      // The transform's roundings may move a value over a rounding border.
      expect_near(what + " quantized", expected.quantized[at], found.quantized[at], hadamard > 0 ? 1 : 0);
    }
    for (int n = 0; n < columns && same; n++) {
      const size_t at = static_cast<size_t>(r) * columns + n;
      // Sums are exact; the scale's roundings, k + 16 of them, and the epilogue's remain.
      const double size = std::fabs(expected.out[at]) + std::fabs(start[at]) + 1;
      const double error = (k + 32) * kUnit * (std::fabs(expected.out[at]) + size) * (paired ? 60 : 1);
      expect_near(what, expected.out[at], found.out[at], error);
    }
  }
  const int row = random_int(0, rows - 1);
  const vector<float> one(x.begin() + static_cast<size_t>(row) * k, x.begin() + static_cast<size_t>(row + 1) * k);
  const vector<float> one_start(start.begin() + static_cast<size_t>(row) * columns,
                                start.begin() + static_cast<size_t>(row + 1) * columns);
  const Int8Product alone =
      multiply_int8(kernels, one, 1, weights, scales, columns, k, epilogue, one_start, hadamard, epsilon, bias_data);
  for (int n = 0; n < columns; n++) {
    expect_equal(what + " alone", alone.out[n], found.out[static_cast<size_t>(row) * columns + n]);
  }
}

void test_rms_norm(const Kernels& kernels, int rows, int width) {
  const vector<float> x = randoms(static_cast<size_t>(rows) * width, 3);
  const vector<float> weight = randoms(width, 2);
  vector<float> expected(x.size(), kPoison);
  vector<float> found(x.size(), kPoison);
  gavel::reference_kernels().rms_norm({x.data(), width, rows, width, weight.data(), 1e-6f, expected.data(), width});
  kernels.rms_norm({x.data(), width, rows, width, weight.data(), 1e-6f, found.data(), width});
  for (size_t i = 0; i < x.size(); i++) {
    expect_near(std::string(kernels.name) + " rms_norm " + std::to_string(width), expected[i], found[i],
                (width + 6) * kUnit * std::fabs(expected[i]));
  }
}

void test_rope(const Kernels& kernels, int heads, int dim) {
  vector<float> x = randoms(static_cast<size_t>(heads) * dim);
  vector<float> expected = x;
  const vector<float> angles = randoms(dim / 2, 3);
  vector<float> cosines;
  vector<float> sines;
  for (float angle : angles) {
    cosines.push_back(std::cos(angle));
    sines.push_back(std::sin(angle));
  }
  gavel::reference_kernels().rope({expected.data(), heads, dim, cosines.data(), sines.data()});
  kernels.rope({x.data(), heads, dim, cosines.data(), sines.data()});
  for (size_t i = 0; i < x.size(); i++) {
    expect_near(std::string(kernels.name) + " rope", expected[i], x[i], 4 * kUnit * 2);
  }
}

void test_log_sum_exp(const Kernels& kernels, int count, float magnitude) {
  vector<float> values = randoms(count, magnitude);
  if (count > 2) {
    values[count / 2] = -INFINITY;
  }
  gavel::LogSum expected;
  gavel::LogSum found;
  gavel::reference_kernels().log_sum_exp(values.data(), count, &expected);
  kernels.log_sum_exp(values.data(), count, &found);
  // Each term is off by 8 u relatively, their sum by count u.
  expect_near(std::string(kernels.name) + " log_sum_exp " + std::to_string(count), expected.log(), found.log(),
              (count + 8) * kUnit + 2 * kUnit * std::fabs(expected.log()));
  const int cut = random_int(0, count);
  gavel::LogSum a;
  gavel::LogSum b;
  kernels.log_sum_exp(values.data(), cut, &a);
  kernels.log_sum_exp(values.data() + cut, count - cut, &b);
  expect_near(std::string(kernels.name) + " log_sum_exp merged", expected.log(), gavel::LogSum::merge(a, b).log(),
              (count + 16) * kUnit + 2 * kUnit * std::fabs(expected.log()));
}

void sweep(const Kernels& kernels) {
  using gavel::Epilogue;
  for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiglu}) {
    for (const int rows : {1, 2, 5, 6, 7, 12, 13, 25, 207}) {
      for (const int columns : {1, 7, 16, 33, 131}) {
        for (const int k : {1, 13, 64, 207}) {
          test_gemm(kernels, rows, columns, k, epilogue, epilogue == Epilogue::kStore && k > 1);
        }
      }
    }
  }
  for (const int rows : {1, 2, 3, 5, 11, 12}) {
    for (const int count : {1, 13, 16, 17, 207, 1000}) {
      for (const int dim : {2, 10, 16, 20, 64, 80, 128}) {
        test_attention<float>(kernels, rows, count, dim, 1);
        test_attention<gavel::Bfloat16>(kernels, rows, count, dim, 1);
      }
    }
  }
  test_attention<float>(kernels, 7, 4097, 64, 1);
  test_attention<gavel::Bfloat16>(kernels, 7, 4097, 64, 1);
  test_attention<float>(kernels, 12, 33, 64, 8);
  for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiglu}) {
    for (const int rows : {1, 5, 6, 7, 12, 13, 207}) {
      for (const int columns : {1, 16, 33, 131}) {
        for (const int k : {1, 13, 64, 207, 1536}) {
          test_int8(kernels, rows, columns, k, epilogue, 0, k % 2 == 0 ? 1e-5f : -1.0f);
        }
      }
    }
  }
  for (const int block : {2, 4, 8, 16, 32, 64}) {
    test_int8(kernels, 13, 33, 3 * 64, Epilogue::kAdd, block, -1.0f);
  }
  for (const int width : {1, 13, 64, 207, 4097}) {
    test_rms_norm(kernels, 3, width);
  }
  for (const int dim : {2, 6, 64, 128}) {
    test_rope(kernels, 3, dim);
  }
  for (const int count : {1, 13, 64, 207, 4097}) {
    for (const float magnitude : {1.0f, 80.0f}) {
      test_log_sum_exp(kernels, count, magnitude);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  generator.seed(seed);
  for (int i = 0; gavel::kernels_at(i) != nullptr; i++) {
    std::printf("sweeping %s, seed %llu\n", gavel::kernels_at(i)->name, static_cast<unsigned long long>(seed));
    sweep(*gavel::kernels_at(i));
  }
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
