// One tile of C = A B^T for the products that LibTorch does not have: rows gathered through an index, and sums
// that are used where they are (log-sum-exp of a vocabulary, SwiGLU) and never written.
//
// 64 rows by 128 columns, 4 warps of 32 by 64, k in steps of 64 through three buffers filled in the background.
// Each element is one chain of sums in the order of k. B may be in e4m3: a step's part of it waits in registers
// while the step before is multiplied, and is widened on its way to shared memory.
#pragma once

#include "device/mma.h"

namespace gavel::cuda {

template <typename T, typename W = T>
struct GemmTile {
  static constexpr int kRows = 64;
  static constexpr int kColumns = 128;
  static constexpr int kThreads = 128;
  static constexpr int kDepthChunks = 8;  // of k per step
  static constexpr int kBuffers = 3;
  static constexpr int kBufferChunks = (kRows + kColumns) * kDepthChunks;
  static constexpr size_t kSharedBytes = kBuffers * kBufferChunks * sizeof(Chunk);
  static constexpr int kCopies = kBufferChunks / kThreads;  // chunks per thread and step
  static constexpr int kRowCopies = kRows * kDepthChunks / kThreads;
  static constexpr int kLines = kThreads / kDepthChunks;  // lines that all threads copy at once
  static constexpr bool kWidens = sizeof(W) == 1;

  float sums[2][8][4] = {};  // [16 rows][8 columns][fragment]

  // Row and column in the tile of element i of sums[m][n].
  GAVEL_DEVICE static int row(int m, int i) {
    return thread_index() / (2 * kWarp) * 32 + m * 16 + i / 2 * 8 + thread_index() % kWarp / 4;
  }
  GAVEL_DEVICE static int column(int n, int i) { return column_half() * 64 + n * 8 + thread_index() % 4 * 2 + i % 2; }
  GAVEL_DEVICE static int column_half() { return thread_index() / kWarp % 2; }

  // row_at(r) and column_at(c) give rows of A and of B, [k] each, or null for one that is not there. any: memory
  // that may be read. Afterwards shared memory is free.
  template <typename RowAt, typename ColumnAt>
  GAVEL_DEVICE void run(int k, const T* any, const RowAt& row_at, const ColumnAt& column_at) {
    Sources sources;
    GAVEL_UNROLL
    for (int c = 0; c < kCopies; c++) {
      const int line = c * kLines + thread_index() / kDepthChunks;
      if (c < kRowCopies) {
        sources.rows[c] = row_at(line);
      } else {
        sources.columns[c - kRowCopies] = column_at(line - kRows);
      }
    }
    Chunk* shared = static_cast<Chunk*>(shared_memory());
    const int steps = (k + kDepthChunks * kChunk - 1) / (kDepthChunks * kChunk);
    Waiting waiting = {};
    for (int step = 0; step < kBuffers - 1; step++) {
      load_step(sources, k, step, waiting);
      copy_step(sources, any, k, step, shared + step * kBufferChunks, waiting);
      copy_commit();
    }
    load_step(sources, k, kBuffers - 1, waiting);
    for (int step = 0; step < steps; step++) {
      copy_wait<kBuffers - 2>();
      block_barrier();  // this step has arrived everywhere, the one before has been used everywhere
      const int next = step + kBuffers - 1;
      copy_step(sources, any, k, next, shared + next % kBuffers * kBufferChunks, waiting);
      copy_commit();
      load_step(sources, k, next + 1, waiting);
      multiply_step(shared + step % kBuffers * kBufferChunks);
    }
    copy_wait<0>();
    block_barrier();
  }

 private:
  // Lines that the thread copies a chunk of.
  struct Sources {
    const T* rows[kRowCopies];
    const W* columns[kCopies - kRowCopies];
  };
  using Waiting = uint64_t[kWidens ? kCopies - kRowCopies : 1];  // 8 elements each

  // A step's part of B into registers, where it is to be widened.
  GAVEL_DEVICE static void load_step(const Sources& sources, int k, int step, Waiting& waiting) {
    if constexpr (kWidens) {
      const int element = (step * kDepthChunks + thread_index() % kDepthChunks) * kChunk;
      GAVEL_UNROLL
      for (int c = 0; c < kCopies - kRowCopies; c++) {
        const bool valid = sources.columns[c] != nullptr && element < k;
        waiting[c] = valid ? *reinterpret_cast<const uint64_t*>(sources.columns[c] + element) : 0;
      }
    }
  }

  GAVEL_DEVICE static void copy_step(const Sources& sources, const T* any, int k, int step, Chunk* buffer,
                                     const Waiting& waiting) {
    const int chunk = thread_index() % kDepthChunks;
    const int element = (step * kDepthChunks + chunk) * kChunk;
    if (element - chunk * kChunk >= k) {
      return;  // behind the last step
    }
    const auto copy = [&](Chunk* to, const T* source) {
      const bool valid = source != nullptr && element < k;
      copy_async(to, valid ? source + element : any, valid ? 16 : 0);
    };
    GAVEL_UNROLL
    for (int c = 0; c < kCopies; c++) {
      Chunk* to = buffer + swizzled<kDepthChunks>(c * kLines + thread_index() / kDepthChunks, chunk);
      if (c < kRowCopies) {
        copy(to, sources.rows[c]);
      } else if constexpr (kWidens) {
        const auto low = static_cast<uint32_t>(waiting[c - kRowCopies]);
        const auto high = static_cast<uint32_t>(waiting[c - kRowCopies] >> 32);
        *to = {widen<T>(low), widen<T>(low >> 16), widen<T>(high), widen<T>(high >> 16)};
      } else {
        copy(to, sources.columns[c - kRowCopies]);
      }
    }
  }

  GAVEL_DEVICE void multiply_step(const Chunk* buffer) {
    const int first_row = thread_index() / (2 * kWarp) * 32;
    const Chunk* columns = buffer + kRows * kDepthChunks;
    GAVEL_UNROLL
    for (int d = 0; d < kDepthChunks / 2; d++) {
      uint32_t a[2][4];
      load_a<kDepthChunks>(a[0], buffer, first_row, 2 * d);
      load_a<kDepthChunks>(a[1], buffer, first_row + 16, 2 * d);
      GAVEL_UNROLL
      for (int n = 0; n < 4; n++) {
        uint32_t left[2];
        uint32_t right[2];
        load_b<kDepthChunks>(left, right, columns, column_half() * 64 + n * 16, 2 * d);
        for (int m = 0; m < 2; m++) {
          multiply<T>(sums[m][2 * n], a[m], left);
          multiply<T>(sums[m][2 * n + 1], a[m], right);
        }
      }
    }
  }
};

}  // namespace gavel::cuda
