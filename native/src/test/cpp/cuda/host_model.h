// A model of a GPU for the kernels' own source, compiled by the ordinary compiler; device/platform.h
// includes it where nvcc's names are not there.
//
// Every thread of a block is a fiber. A fiber runs until a barrier, a shuffle or a matrix instruction, where it
// waits for the others; which fiber goes on next is drawn at random, so code that lacks a barrier sees its
// neighbours' writes early, late or never. Shared memory is poisoned before a block and has a guard behind it.
// A background copy poisons its target at once and arrives at the wait, not before. Matrix instructions follow
// the fragment layouts of the PTX manual, written down in fragments.h independently of the kernels.
//
// The model ends the process with a message where a kernel does what a device forbids: threads that part at a
// barrier or an instruction of the warp, addresses that are not aligned, a grid that is too large.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace gavel::cuda {

namespace host {

// Work of a stream: done at once, later, or whenever the graph is launched that it is recorded in. host_stream.h
using Work = std::function<void()>;
int32_t enqueue(void* stream, Work work);

// Runs the body once per thread of each block. One grid at a time, whichever thread launches it.
void run(Grid grid, int threads, size_t shared_bytes, const std::function<void()>& body);

// Orders of fibers, and what of a stream's work runs when, are drawn from this seed.
void seed(uint64_t value);

// Matrix loads whose eight rows fell on the same banks of shared memory, since the start.
int64_t bank_conflicts();

struct Position {
  int thread;
  int x, y, z;
  int grid_x, grid_y;
};
const Position& position();

enum class Shuffle { kXor, kUp, kFrom };
uint64_t shuffle(Shuffle kind, uint64_t value, int argument);

template <typename V>
V shuffle_value(Shuffle kind, V value, int argument) {
  static_assert(sizeof(V) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = shuffle(kind, bits, argument);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Background copies of the running thread.
struct Copy {
  void* to;
  const void* from;
  int bytes;
  int group;
};
struct Copies {
  std::vector<Copy> under_way;
  int groups = 0;  // committed
};
Copies& copies();
void copy_wait(int pending);

// Waits for all lanes of the warp; the last to come runs the operation on what each of them brought.
using Operation = void (*)(void** lanes);
void together(Operation operation, void* lane);

// Whether the bytes lie in the block's shared memory.
bool is_shared(const void* begin, size_t bytes);

constexpr unsigned char kPoisonByte = 0xFF;  // NaN in every floating type

// Of elements of so many bits, 16 or 8. Sums are fp32.
template <int bits>
void matrix_multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], float (*element)(uint32_t));
[[noreturn]] void forbidden(const char* what);

}  // namespace host

inline int thread_index() { return host::position().thread; }
inline int block_x() { return host::position().x; }
inline int block_y() { return host::position().y; }
inline int block_z() { return host::position().z; }
inline int grid_x() { return host::position().grid_x; }
inline int grid_y() { return host::position().grid_y; }

void block_barrier();
void warp_barrier();
inline void memory_fence() {}
void* shared_memory();

template <typename V>
V shuffle_xor(V value, int mask) {
  return host::shuffle_value(host::Shuffle::kXor, value, mask);
}
template <typename V>
V shuffle_up(V value, int by) {
  return host::shuffle_value(host::Shuffle::kUp, value, by);
}
template <typename V>
V shuffle_from(V value, int lane) {
  return host::shuffle_value(host::Shuffle::kFrom, value, lane);
}
uint32_t ballot(bool predicate);
inline int count_bits(uint32_t bits) { return __builtin_popcount(bits); }

template <typename V>
V load_fresh(const V* at) {
  return *at;
}

template <typename V>
V atomic_add(V* at, V value) {
  const V before = *at;
  *at += value;
  return before;
}

inline float fast_exp2(float x) { return std::exp2(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }

void copy_async(void* shared, const void* global, int bytes);
void copy_commit();
template <int pending>
void copy_wait() {
  host::copy_wait(pending);
}
void load_matrices(uint32_t (&out)[4], const void* row);
void load_matrices_transposed(uint32_t (&out)[4], const void* row);

}  // namespace gavel::cuda
