// What the kernel tests share: random inputs of a printed seed, and counted checks.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace gavel::test {

using std::vector;

constexpr double kUnit = 0x1p-24;  // unit roundoff of fp32
constexpr float kGuard = 12345.0f;
extern const float kPoison;  // NaN

void seed(uint64_t value);

// Uniform in [-scale, scale).
vector<float> randoms(size_t count, float scale = 1);
int random_int(int low, int high);

void expect_near(const std::string& what, double expected, double found, double tolerance);
void expect_equal(const std::string& what, float expected, float found);

// Prints the counts; 0 if nothing failed.
int finish();

void test_thread_pool();

// Sweeps of one instruction set.
void sweep_gemm_f32(const Kernels& kernels);
void sweep_gemm_int8(const Kernels& kernels);
void sweep_attention(const Kernels& kernels);
void sweep_small(const Kernels& kernels);
void sweep_sampler(const Kernels& kernels);

}  // namespace gavel::test
