// One tile of C = A B^T for the products that LibTorch does not have: rows gathered through an index, and sums
// that are used where they are (log-sum-exp of a vocabulary, SwiGLU) and never written.
//
// 64 rows by 128 columns, 4 warps of 32 by 64, k in steps of 128 bytes through three buffers filled in the background.
// Each sum is one chain in the order of k. Matrix units that take e4m3 keep some 14 bits of what they add up (arXiv
// 2412.19437, 2411.10958): there every 64 elements are a chain of their own, whose result is added in fp32.
#pragma once

#include "device/mma.h"

namespace gavel::cuda {

// T: of both inputs.
template <typename T>
struct GemmTile {
  static constexpr int kRows = 64;
  static constexpr int kColumns = 128;
  static constexpr int kThreads = 128;
  static constexpr int kDepthChunks = 8;  // of k per step
  static constexpr int kElements = sizeof(Chunk) / sizeof(T);
  static constexpr int kBuffers = 3;
  static constexpr int kBufferChunks = (kRows + kColumns) * kDepthChunks;
  static constexpr size_t kSharedBytes = kBuffers * kBufferChunks * sizeof(Chunk);
  static constexpr int kCopies = kBufferChunks / kThreads;  // chunks per thread and step
  static constexpr int kRowCopies = kRows * kDepthChunks / kThreads;
  static constexpr int kLines = kThreads / kDepthChunks;  // lines that all threads copy at once
  static constexpr bool kPromotes = sizeof(T) == 1 && GAVEL_FP8_UNITS;

  float sums[2][8][4] = {};  // [16 rows][8 columns][fragment]

  // Row and column in the tile of element i of sums[m][n].
  GAVEL_DEVICE static int row(int m, int i) {
    return thread_index() / (2 * kWarp) * 32 + m * 16 + i / 2 * 8 + thread_index() % kWarp / 4;
  }
  GAVEL_DEVICE static int column(int n, int i) { return column_half() * 64 + n * 8 + thread_index() % 4 * 2 + i % 2; }
  GAVEL_DEVICE static int column_half() { return thread_index() / kWarp % 2; }

  // row_at(r) and column_at(c) give rows of A and of B, [k] each, or null for one that is not there. k: a multiple of
  // kElements. any: memory that may be read. Afterwards shared memory is free.
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
    const int steps = (k + kDepthChunks * kElements - 1) / (kDepthChunks * kElements);
    for (int step = 0; step < kBuffers - 1; step++) {
      copy_step(sources, any, k, step, shared + step * kBufferChunks);
      copy_commit();
    }
    for (int step = 0; step < steps; step++) {
      copy_wait<kBuffers - 2>();
      block_barrier();  // this step has arrived everywhere, the one before has been used everywhere
      const int next = step + kBuffers - 1;
      copy_step(sources, any, k, next, shared + next % kBuffers * kBufferChunks);
      copy_commit();
      multiply_step(shared + step % kBuffers * kBufferChunks);
    }
    copy_wait<0>();
    block_barrier();
  }

 private:
  // Lines that the thread copies a chunk of.
  struct Sources {
    const T* rows[kRowCopies];
    const T* columns[kCopies - kRowCopies];
  };

  GAVEL_DEVICE static void copy_step(const Sources& sources, const T* any, int k, int step, Chunk* buffer) {
    const int chunk = thread_index() % kDepthChunks;
    const int element = (step * kDepthChunks + chunk) * kElements;
    if (element - chunk * kElements >= k) {
      return;  // behind the last step
    }
    GAVEL_UNROLL
    for (int c = 0; c < kCopies; c++) {
      const T* source = c < kRowCopies ? sources.rows[c] : sources.columns[c - kRowCopies];
      const bool valid = source != nullptr && element < k;
      copy_async(buffer + swizzled<kDepthChunks>(c * kLines + thread_index() / kDepthChunks, chunk),
                 valid ? source + element : any, valid ? 16 : 0);
    }
  }

  GAVEL_DEVICE void multiply_step(const Chunk* buffer) {
    GAVEL_UNROLL_BY(1)  // two chains at once would not fit the registers
    for (int chunk = 0; chunk < kDepthChunks; chunk += 4) {
      multiply_chain(buffer, chunk);
    }
  }

  // Two steps of the matrix unit, which is what registers hold of A: chunks `chunk` to chunk + 3.
  GAVEL_DEVICE void multiply_chain(const Chunk* buffer, int chunk) {
    const int first_row = thread_index() / (2 * kWarp) * 32;
    const Chunk* columns = buffer + kRows * kDepthChunks;
    uint32_t a[2][2][4];
    GAVEL_UNROLL
    for (int i = 0; i < 4; i++) {
      load_a<kDepthChunks>(a[i / 2][i % 2], buffer, first_row + i % 2 * 16, chunk + i / 2 * 2);
    }
    GAVEL_UNROLL
    for (int n = 0; n < 8; n += 2) {
      float parts[2][2][4] = {};
      GAVEL_UNROLL
      for (int d = 0; d < 2; d++) {
        uint32_t left[2];
        uint32_t right[2];
        load_b<kDepthChunks>(left, right, columns, column_half() * 64 + n * 8, chunk + 2 * d);
        GAVEL_UNROLL
        for (int m = 0; m < 2; m++) {
          multiply<T>(kPromotes ? parts[m][0] : sums[m][n], a[d][m], left);
          multiply<T>(kPromotes ? parts[m][1] : sums[m][n + 1], a[d][m], right);
        }
      }
      GAVEL_UNROLL
      for (int i = 0; kPromotes && i < 16; i++) {
        sums[i / 8][n + i / 4 % 2][i % 4] += parts[i / 8][i / 4 % 2][i % 4];
      }
    }
  }
};

}  // namespace gavel::cuda
