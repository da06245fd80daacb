// Which elements of a matrix a lane holds in the warp's matrix instructions: the figures of the PTX manual
// (ldmatrix; mma.m16n8k16 for 16-bit elements; mma.m16n8k32 for 8-bit ones) written as functions, apart from the
// kernels' own use of them. A register holds two or four elements, the lowest bits first; i counts elements.
#pragma once

namespace gavel::cuda {

struct FragmentPlace {
  int row;
  int column;
};

// Of elements of so many bits.
template <int bits>
constexpr FragmentPlace fragment_a(int lane, int i);
template <int bits>
constexpr FragmentPlace fragment_b(int lane, int i);

// A, 16x16, 8 elements: registers 0 and 2 hold the row of the lane's group of four, 1 and 3 the row 8 below;
// registers 2 and 3 are 8 columns to the right.
template <>
constexpr FragmentPlace fragment_a<16>(int lane, int i) {
  const int group = lane >> 2;
  const int in_group = lane % 4;
  const bool lower = (i >= 2 && i < 4) || i >= 6;
  return {lower ? group + 8 : group, in_group * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
}

// B, 16x8 (k by n), 4 elements.
template <>
constexpr FragmentPlace fragment_b<16>(int lane, int i) {
  return {(lane % 4) * 2 + (i & 1) + (i >= 2 ? 8 : 0), lane >> 2};
}

// A, 16x32, 16 elements: elements 0 to 3 and 8 to 11 are of the group's row, the others of the row 8 below; from
// element 8 on they are 16 columns to the right.
template <>
constexpr FragmentPlace fragment_a<8>(int lane, int i) {
  const bool upper = i < 4 || (i >= 8 && i < 12);
  return {upper ? lane >> 2 : (lane >> 2) + 8, (lane % 4) * 4 + (i & 3) + (i < 8 ? 0 : 16)};
}

// B, 32x8, 8 elements.
template <>
constexpr FragmentPlace fragment_b<8>(int lane, int i) {
  return {(lane % 4) * 4 + (i & 3) + (i < 4 ? 0 : 16), lane >> 2};
}

// The sums, 16x8, 4 elements in fp32.
constexpr FragmentPlace fragment_sum(int lane, int i) {
  return {(lane >> 2) + (i >= 2 ? 8 : 0), (lane % 4) * 2 + (i & 1)};
}

// One 8x8 matrix of ldmatrix, 2 elements. Transposed, row and column change places.
constexpr FragmentPlace fragment_matrix(int lane, int i) { return {lane / 4, lane % 4 * 2 + i}; }

}  // namespace gavel::cuda
