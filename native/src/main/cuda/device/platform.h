// What a kernel needs of its platform, under names that both compilers know: nvcc for devices, and the
// ordinary C++ compiler, which runs the same kernels on a model of a GPU (host_model.h, with the tests).
//
// A kernel reaches threads, barriers, shuffles, shared memory and the matrix units through this folder
// only, so that every line of it can be swept without a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define GAVEL_KERNEL(threads) __global__ void __launch_bounds__(threads)
#define GAVEL_DEVICE __device__ __forceinline__
#define GAVEL_HOST_DEVICE __host__ __device__ __forceinline__
#define GAVEL_UNROLL _Pragma("unroll")
#define GAVEL_UNROLL_TEXT(x) _Pragma(#x)
#define GAVEL_UNROLL_BY(times) GAVEL_UNROLL_TEXT(unroll times)
#else
#define GAVEL_KERNEL(threads) void
#define GAVEL_DEVICE inline
#define GAVEL_HOST_DEVICE inline
#define GAVEL_UNROLL
#define GAVEL_UNROLL_BY(times)
#endif

namespace gavel::cuda {

constexpr int kWarp = 32;

struct Grid {
  int64_t x;
  int64_t y = 1;
  int64_t z = 1;
};

}  // namespace gavel::cuda

#if !defined(__CUDACC__)
#include "host_model.h"
#else

namespace gavel::cuda {

GAVEL_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
GAVEL_DEVICE int block_x() { return static_cast<int>(blockIdx.x); }
GAVEL_DEVICE int block_y() { return static_cast<int>(blockIdx.y); }
GAVEL_DEVICE int block_z() { return static_cast<int>(blockIdx.z); }
GAVEL_DEVICE int grid_x() { return static_cast<int>(gridDim.x); }
GAVEL_DEVICE int grid_y() { return static_cast<int>(gridDim.y); }

GAVEL_DEVICE void block_barrier() { __syncthreads(); }
GAVEL_DEVICE void warp_barrier() { __syncwarp(); }
GAVEL_DEVICE void memory_fence() { __threadfence(); }

// The block's dynamic shared memory, aligned to 128 bytes.
GAVEL_DEVICE void* shared_memory() {
  extern __shared__ __align__(128) unsigned char gavel_shared[];
  return gavel_shared;
}

// All 32 lanes take part.
template <typename V>
GAVEL_DEVICE V shuffle_xor(V value, int mask) {
  return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
}
template <typename V>
GAVEL_DEVICE V shuffle_up(V value, int by) {  // lanes below `by` keep their own
  return __shfl_up_sync(0xFFFFFFFFu, value, by);
}
template <typename V>
GAVEL_DEVICE V shuffle_from(V value, int lane) {
  return __shfl_sync(0xFFFFFFFFu, value, lane);
}
GAVEL_DEVICE uint32_t ballot(bool predicate) { return __ballot_sync(0xFFFFFFFFu, predicate); }
GAVEL_DEVICE int count_bits(uint32_t bits) { return __popc(bits); }

// What other blocks of this launch wrote: not from this multiprocessor's own cache.
template <typename V>
GAVEL_DEVICE V load_fresh(const V* at) {
  return __ldcg(at);
}

// Return the value before.
GAVEL_DEVICE int atomic_add(int* at, int value) { return atomicAdd(at, value); }
GAVEL_DEVICE uint64_t atomic_add(uint64_t* at, uint64_t value) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}

GAVEL_DEVICE float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Copies 16 bytes to shared memory in the background; of the source only `bytes` (0 or 16) are read, the
// rest becomes zero.
GAVEL_DEVICE void copy_async(void* shared, const void* global, int bytes) {
  const uint32_t target = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(target), "l"(global), "r"(bytes) : "memory");
}

// Ends a group of this thread's copies.
GAVEL_DEVICE void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the `pending` latest groups of this thread are under way.
template <int pending>
GAVEL_DEVICE void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Four 8x8 matrices of 16-bit elements: lanes 8i to 8i + 7 give the addresses of the rows of matrix i; see
// mma.h for what a lane receives.
GAVEL_DEVICE void load_matrices(uint32_t (&out)[4], const void* row) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(at)
               : "memory");
}

GAVEL_DEVICE void load_matrices_transposed(uint32_t (&out)[4], const void* row) {
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(at)
               : "memory");
}

}  // namespace gavel::cuda

#endif
