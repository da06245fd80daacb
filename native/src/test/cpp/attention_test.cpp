#include <algorithm>
#include <cmath>
#include <cstring>

#include "checks.h"

namespace gavel::test {

namespace {

template <typename T>
T narrow(float x);

template <>
float narrow<float>(float x) {
  return x;
}

template <>
Bfloat16 narrow<Bfloat16>(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<Bfloat16>(bits >> 16);
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
size_t key_index(Bfloat16, int d, int i, int stride) { return (static_cast<size_t>(d) / 2 * stride + i) * 2 + d % 2; }

void run_attention(const Kernels& kernels, const Attention<float>& args) { kernels.attention(args); }
void run_attention(const Kernels& kernels, const Attention<Bfloat16>& args) { kernels.attention_bf16(args); }

// The keys of one head, laid out in spans of random lengths.
template <typename T>
struct Keys {
  vector<vector<T>> tiles;
  vector<T> values;
  vector<KeySpan<T>> spans;
};

template <typename T>
Keys<T> lay_out(const vector<T>& keys, const vector<T>& values, int count, int dim, bool random_spans) {
  Keys<T> result;
  result.values = values;
  result.values.resize(values.size() + 64);
  for (int begin = 0; begin < count;) {
    const int most = std::min(kKeyTile, count - begin);
    const int size = random_spans ? random_int(1, most) : most;
    const int stride = random_spans ? random_int(size, kKeyTile + 3) : kKeyTile;
    vector<T> tile(static_cast<size_t>(dim) * stride + 2 * kKeyTile, narrow<T>(kPoison));
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
  for (KeySpan<T>& span : result.spans) {
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
  vector<float> scores(kAttentionRows * stride, kPoison);
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
  const vector<float> expected = attend(reference_kernels(), queries, ragged, visible, dim, scale);
  const vector<float> found = attend(kernels, queries, ragged, visible, dim, scale);
  const vector<float> elsewhere = attend(kernels, queries, even, visible, dim, scale);
  const bool bf16 = sizeof(T) == 2;
  const std::string what = std::string(kernels.name) + (bf16 ? " attention_bf16" : " attention") + " rows " +
                           std::to_string(rows) + " keys " + std::to_string(count) + " dim " + std::to_string(dim);
  // A score is off by (dim + 2) u |q||k| scale, a weight by twice that and 8 u of the exponential
  // relatively, the sum of weighted values (at most 1 in size) by n u more. In bf16 each weight is also
  // rounded, by at most 2^-9 relatively in it and in the sum, and its exponential is off by 8e-6.
  const double score_error = (dim + 2) * kUnit * dim * magnitude * magnitude * scale;
  const double tolerance = 2 * score_error + (8 + 2 * count) * kUnit + (bf16 ? 2 * (0x1p-9 + 8e-6) : 0);
  for (size_t i = 0; i < found.size(); i++) {
    expect_near(what, expected[i], found[i], tolerance);
    expect_equal(what + " spans", elsewhere[i], found[i]);
  }
}

}  // namespace

void sweep_attention(const Kernels& kernels) {
  for (const int rows : {1, 2, 3, 5, 11, 12}) {
    for (const int count : {1, 13, 16, 17, 207, 1000}) {
      for (const int dim : {2, 10, 16, 20, 64, 80, 128}) {
        test_attention<float>(kernels, rows, count, dim, 1);
        test_attention<Bfloat16>(kernels, rows, count, dim, 1);
      }
    }
  }
  test_attention<float>(kernels, 7, 4097, 64, 1);
  test_attention<Bfloat16>(kernels, 7, 4097, 64, 1);
  test_attention<float>(kernels, 12, 33, 64, 8);
}

}  // namespace gavel::test
