// LibTorch, opened at run time through its stable C ABI (2.10 or later). Any build of it serves.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/products.h"

namespace gavel::libtorch {

// Opens libtorch_cpu.so from a directory; fails with UNAVAILABLE or FAILED_PRECONDITION.
void open(const char* directory);

// C[m, n] = A[m, k] B[k, n] `repetitions` times over; seconds of the fastest. fp32, or int8 into int32.
// Fails with FAILED_PRECONDITION before open.
double fastest_gemm_seconds(bool int8, int threads, int64_t m, int64_t n, int64_t k, double seconds);

// The directory that was opened; empty before.
std::string folder();

// Products on a CUDA device. Fails with UNAVAILABLE before open, and where LibTorch has no CUDA or no such device.
std::unique_ptr<Products> products(int32_t device);

// The same calls on the CPU, where there are no products with results in fp32. They show that our arguments are
// taken as they are meant, without a device.
std::unique_ptr<Products> products_on_cpu();

}  // namespace gavel::libtorch
