#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "cuda.h"
#include "cuda/measure.h"
#include "gavel.h"
#include "kernels/kernels.h"
#include "libtorch.h"
#include "support/buffer.h"
#include "support/error.h"
#include "support/thread_pool.h"

namespace gavel {

namespace {

using Clock = std::chrono::steady_clock;

// Runs `once` for about `seconds` and returns the seconds of the fastest run.
template <typename F>
double fastest(double seconds, const F& once) {
  double best = 1e30;
  const auto start = Clock::now();
  once();  // warms caches, pages and the processor's clock
  do {
    const auto begin = Clock::now();
    once();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  } while (std::chrono::duration<double>(Clock::now() - start).count() < seconds);
  return best;
}

// Runs `product(first row, rows)` over blocks of rows on all threads.
template <typename F>
double blocked_seconds(int threads, int m, double seconds, const F& product) {
  ThreadPool pool(threads);
  const int rows = 8 * best_kernels().tile;
  const int blocks = (m + rows - 1) / rows;
  return fastest(seconds, [&] {
    pool.run(blocks, [&](int64_t block, int) {
      const int begin = static_cast<int>(block) * rows;
      product(begin, std::min(rows, m - begin));
    });
  });
}

double f32_seconds(int threads, int m, int n, int k, double seconds) {
  const Kernels& kernels = best_kernels();
  const int panels = (n + kernels.panel - 1) / kernels.panel;
  Buffer<float> a(static_cast<size_t>(m) * k);
  Buffer<float> b(static_cast<size_t>(panels) * k * kernels.panel);
  Buffer<float> c(static_cast<size_t>(m) * n);
  std::fill_n(a.data(), a.size(), 0.5f);
  std::fill_n(b.data(), b.size(), 0.25f);
  return blocked_seconds(threads, m, seconds, [&](int begin, int rows) {
    kernels.gemm_f32({a.data() + static_cast<int64_t>(begin) * k, rows, k, b.data(), 0, panels, n,
                      c.data() + static_cast<int64_t>(begin) * n, n, Epilogue::kStore, nullptr});
  });
}

double int8_seconds(int threads, int m, int n, int k, double seconds) {
  const Kernels& kernels = best_kernels();
  const int panels = (n + kernels.panel - 1) / kernels.panel;
  const Int8Inputs inputs = {k, 0};
  const int dwords = kernels.int8_layout.dwords(inputs);
  Buffer<int32_t> a(static_cast<size_t>(m) * dwords);
  Buffer<int8_t> b(static_cast<size_t>(panels) * dwords * kernels.panel * kernels.int8_layout.group);
  Buffer<float> scales(static_cast<size_t>(panels) * kernels.panel + m);
  Buffer<int32_t> sums(m);
  Buffer<float> c(static_cast<size_t>(m) * n);
  std::fill_n(a.data(), a.size(), 0x01010101);
  std::fill_n(b.data(), b.size(), int8_t{3});
  std::fill_n(scales.data(), scales.size(), 0.5f);
  std::fill_n(sums.data(), sums.size(), 0);
  return blocked_seconds(threads, m, seconds, [&](int begin, int rows) {
    const Int8Rows all = {a.data(), scales.data(), sums.data(), nullptr};
    kernels.gemm_int8({all.from(begin, inputs, dwords), rows, inputs, b.data(), scales.data(), nullptr, 0, panels, n,
                       c.data() + static_cast<int64_t>(begin) * n, n, Epilogue::kStore, nullptr});
  });
}

}  // namespace

double measure_gemm(int32_t provider, int32_t quantization, int threads, int m, int n, int k, double seconds) {
  GAVEL_REQUIRE(threads >= 1 && m >= 1 && n >= 1 && k >= 1, "gemm: expected threads, m, n and k of at least 1");
  GAVEL_REQUIRE(quantization == GAVEL_QUANTIZATION_FP32 || quantization == GAVEL_QUANTIZATION_INT8,
                "quantization: expected %d or %d, found %d", GAVEL_QUANTIZATION_FP32, GAVEL_QUANTIZATION_INT8,
                quantization);
  GAVEL_REQUIRE(provider == 0 || provider == 1, "provider: expected 0 or 1, found %d", provider);
  const double operations = 2.0 * m * n * k;
  if (provider == 1) {
    return operations /
           libtorch::fastest_gemm_seconds(quantization == GAVEL_QUANTIZATION_INT8, threads, m, n, k, seconds) / 1e9;
  }
  const double fastest_seconds = quantization == GAVEL_QUANTIZATION_INT8 ? int8_seconds(threads, m, n, k, seconds)
                                                                         : f32_seconds(threads, m, n, k, seconds);
  return operations / fastest_seconds / 1e9;
}

double measure_bandwidth(int threads, int64_t buffer_bytes, double seconds) {
  GAVEL_REQUIRE(threads >= 1 && buffer_bytes >= 1 << 20, "bandwidth: expected a thread and a buffer of 1 MiB or more");
  ThreadPool pool(threads);
  Buffer<uint64_t> buffer(buffer_bytes / sizeof(uint64_t));
  std::fill_n(buffer.data(), buffer.size(), 1);
  const int64_t chunks = threads * 16;
  const int64_t size = static_cast<int64_t>(buffer.size());
  std::vector<uint64_t> sums(chunks);
  const double time = fastest(seconds, [&] {
    pool.run(chunks, [&](int64_t chunk, int) {
      uint64_t sum = 0;
      for (int64_t i = size * chunk / chunks; i < size * (chunk + 1) / chunks; i++) {
        sum += buffer[i];
      }
      sums[chunk] = sum;
    });
  });
  return static_cast<double>(buffer.bytes()) / time / 1e9;
}

double measure_device_gemm(int32_t device, int32_t quantization, int m, int n, int k, double seconds) {
  GAVEL_REQUIRE(m >= 1 && n >= 1 && k >= 1, "gemm: expected m, n and k of at least 1");
  GAVEL_REQUIRE(quantization >= GAVEL_QUANTIZATION_BF16 && quantization <= GAVEL_QUANTIZATION_FP8,
                "quantization: expected %d to %d, found %d", GAVEL_QUANTIZATION_BF16, GAVEL_QUANTIZATION_FP8,
                quantization);
  const Device on(cuda::open(device), device);
  const std::unique_ptr<Products> products = cuda::products(device);
  return 2.0 * m * n * k / product_seconds(on, *products, {quantization, m, n, k}, seconds) / 1e9;
}

double measure_device_copy(int32_t device, int64_t bytes, double seconds) {
  GAVEL_REQUIRE(bytes >= 1 << 20, "copy: expected 1 MiB or more");
  const Device on(cuda::open(device), device);
  return 2.0 * static_cast<double>(bytes) / copy_seconds(on, bytes, seconds) / 1e9;
}

}  // namespace gavel
