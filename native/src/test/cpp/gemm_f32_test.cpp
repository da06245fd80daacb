#include <cmath>
#include <cstring>
#include <utility>

#include "checks.h"

namespace gavel::test {

namespace {

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
                 int k, Epilogue epilogue, const vector<float>& start, const float* norm, const float* bias) {
  const bool paired = epilogue == Epilogue::kSwiglu;
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
          epilogue == Epilogue::kAdd ? start[static_cast<size_t>(r) * columns + n] : kPoison;
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

void test_gemm(const Kernels& kernels, int rows, int columns, int k, Epilogue epilogue, bool norm) {
  const bool paired = epilogue == Epilogue::kSwiglu;
  const vector<float> x = randoms(static_cast<size_t>(rows) * k);
  const vector<float> weights = randoms(static_cast<size_t>(columns) * k * (paired ? 2 : 1));
  const vector<float> start = randoms(static_cast<size_t>(rows) * columns);
  const vector<float> gains = randoms(k, 2);
  const vector<float> bias = randoms(columns);
  const float* gain = norm ? gains.data() : nullptr;
  const float* bias_data = epilogue == Epilogue::kStore ? bias.data() : nullptr;
  const Product found = multiply(kernels, x, rows, weights, columns, k, epilogue, start, gain, bias_data);
  const Product expected =
      multiply(reference_kernels(), x, rows, weights, columns, k, epilogue, start, gain, bias_data);
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

}  // namespace

void sweep_gemm_f32(const Kernels& kernels) {
  for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kAdd, Epilogue::kSwiglu}) {
    for (const int rows : {1, 2, 5, 6, 7, 12, 13, 25, 207}) {
      for (const int columns : {1, 7, 16, 33, 131}) {
        for (const int k : {1, 13, 64, 207}) {
          test_gemm(kernels, rows, columns, k, epilogue, epilogue == Epilogue::kStore && k > 1);
        }
      }
    }
  }
}

}  // namespace gavel::test
