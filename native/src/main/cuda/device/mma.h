// Products of matrices in the matrix units, one warp at a time: 32 bytes of each of 16 rows of A times 32 bytes of each
// of 8 columns of B, added to a 16x8 block of fp32 sums (mma.sync.m16n8k16 of 16-bit elements, m16n8k32 of e4m3).
//
// With g = lane / 4 and t = lane % 4, and two elements of 16 bits a register, a lane holds
//   A    registers 0 to 3: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8), each with its right neighbour
//   B    registers 0, 1: (k = 2t, n = g), (2t + 8, g), each with the one below
//   sums 0 to 3: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
// So the sums of two neighbouring blocks, rounded and packed, are a block of A. Registers of e4m3 hold the four
// elements that lie where two of 16 bits do.
//
// Shared tiles are rows of 16-byte chunks; chunk c of row r lies at c ^ (r % 8), so that the eight rows that a
// matrix load reads at once are on different banks.
#pragma once

#include "device/types.h"

// Whether mma.sync has units for e4m3: on compute capability 8.9 and 12.x. Those of 9.0 and 10.x are reached by
// instructions of a warpgroup only, and mma.sync is made of conversions and products in fp16.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200
#define GAVEL_FP8_UNITS 1
#else
#define GAVEL_FP8_UNITS 0
#endif

namespace gavel::cuda {

#if defined(__CUDACC__)

// sum += a b.
template <typename T>
GAVEL_DEVICE void multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);

template <>
GAVEL_DEVICE void multiply<Bf16>(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <>
GAVEL_DEVICE void multiply<Fp16>(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else

template <typename T>
void multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  host::matrix_multiply<8 * sizeof(T)>(sum, a, b,
                                       [](uint32_t bits) { return to_float(T{static_cast<decltype(T::bits)>(bits)}); });
}

#endif

// The product of e4m3 in fp16, exactly: the lower pairs of all registers are the elements of one product, the upper
// pairs those of another.
GAVEL_DEVICE void multiply_widened(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  GAVEL_UNROLL
  for (int shift = 0; shift < 32; shift += 16) {
    const uint32_t wide_a[4] = {widen(a[0] >> shift), widen(a[1] >> shift), widen(a[2] >> shift), widen(a[3] >> shift)};
    const uint32_t wide_b[2] = {widen(b[0] >> shift), widen(b[1] >> shift)};
    multiply<Fp16>(sum, wide_a, wide_b);
  }
}

#if defined(__CUDACC__)

template <>
GAVEL_DEVICE void multiply<Fp8>(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
#if GAVEL_FP8_UNITS
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  multiply_widened(sum, a, b);
#endif
}

#endif

// Where chunk `chunk` of row `row` of a tile lies, in chunks. kRowChunksOf: chunks per row, a multiple of 8.
template <int row_chunks>
GAVEL_HOST_DEVICE int swizzled(int row, int chunk) {
  static_assert(row_chunks % 8 == 0, "a row spans all banks");
  return row * row_chunks + (chunk ^ (row % 8));
}

// A's block of rows `row` to row + 15 and chunks `chunk` and chunk + 1 of a tile.
template <int row_chunks>
GAVEL_DEVICE void load_a(uint32_t (&a)[4], const Chunk* tile, int row, int chunk) {
  const int lane = thread_index() % kWarp;
  load_matrices(a, tile + swizzled<row_chunks>(row + lane % 16, chunk + lane / 16));
}

// Two blocks of B side by side, n to n + 15, from a tile that holds B transposed: its rows are n, and k lies in
// chunks `chunk` and chunk + 1.
template <int row_chunks>
GAVEL_DEVICE void load_b(uint32_t (&left)[2], uint32_t (&right)[2], const Chunk* tile, int n, int chunk) {
  const int lane = thread_index() % kWarp;
  uint32_t words[4];
  load_matrices(words, tile + swizzled<row_chunks>(n + lane / 16 * 8 + lane % 8, chunk + lane / 8 % 2));
  left[0] = words[0];
  left[1] = words[1];
  right[0] = words[2];
  right[1] = words[3];
}

// Two blocks of B side by side, from a tile whose rows are k, k to k + 15, and whose chunks `chunk` and chunk + 1
// are their columns.
template <int row_chunks>
GAVEL_DEVICE void load_b_transposed(uint32_t (&left)[2], uint32_t (&right)[2], const Chunk* tile, int k, int chunk) {
  const int lane = thread_index() % kWarp;
  uint32_t words[4];
  load_matrices_transposed(words, tile + swizzled<row_chunks>(k + lane % 16, chunk + lane / 16));
  left[0] = words[0];
  left[1] = words[1];
  right[0] = words[2];
  right[1] = words[3];
}

}  // namespace gavel::cuda
