// What the kernel tests share.
#pragma once

#include <string>
#include <vector>

#include "counted.h"
#include "kernels/kernels.h"

namespace gavel::test {

using counted::expect;
using counted::expect_near;
using counted::random_int;
using counted::randoms;
using std::vector;

constexpr double kUnit = 0x1p-24;  // unit roundoff of fp32
constexpr float kGuard = 12345.0f;
extern const float kPoison;  // NaN

void expect_equal(const std::string& what, float expected, float found);

// Prints the counts; 0 if nothing failed.
int finish();

void test_thread_pool();
void test_rounding();

// Sweeps of one instruction set.
void sweep_gemm_f32(const Kernels& kernels);
void sweep_gemm_int8(const Kernels& kernels);
void sweep_attention(const Kernels& kernels);
void sweep_small(const Kernels& kernels);
void sweep_sampler(const Kernels& kernels);

}  // namespace gavel::test
