// The instructions of the model of a GPU: what the lanes of a warp do together, and background copies.
#include <vector>

#include "device/platform.h"
#include "fragments.h"

namespace gavel::cuda {

namespace host {

namespace {

int64_t conflicts = 0;

}  // namespace

int64_t bank_conflicts() { return conflicts; }

struct ShuffleLane {
  Shuffle kind;
  uint64_t value;
  int argument;
  uint64_t result;
};

static void shuffle_lanes(void** lanes) {
  for (int lane = 0; lane < kWarp; lane++) {
    ShuffleLane& self = *static_cast<ShuffleLane*>(lanes[lane]);
    const int from = self.kind == Shuffle::kXor  ? lane ^ self.argument
                     : self.kind == Shuffle::kUp ? lane - self.argument
                                                 : self.argument % kWarp;
    self.result = from < 0 ? self.value : static_cast<ShuffleLane*>(lanes[from])->value;
  }
}

uint64_t shuffle(Shuffle kind, uint64_t value, int argument) {
  ShuffleLane lane{kind, value, argument, 0};
  together(shuffle_lanes, &lane);
  return lane.result;
}

struct BallotLane {
  bool predicate;
  uint32_t result;
};

static void ballot_lanes(void** lanes) {
  uint32_t bits = 0;
  for (int lane = 0; lane < kWarp; lane++) {
    bits |= static_cast<uint32_t>(static_cast<BallotLane*>(lanes[lane])->predicate) << lane;
  }
  for (int lane = 0; lane < kWarp; lane++) {
    static_cast<BallotLane*>(lanes[lane])->result = bits;
  }
}

void copy_wait(int pending) {
  std::vector<Copy>& under_way = copies().under_way;
  const int last = copies().groups - pending;  // groups below this must have arrived
  for (const Copy& copy : under_way) {
    if (copy.group < last) {
      std::memset(copy.to, 0, 16);
      std::memcpy(copy.to, copy.from, copy.bytes);
    }
  }
  std::erase_if(under_way, [&](const Copy& copy) { return copy.group < last; });
}

struct MultiplyLane {
  float* sum;
  const uint32_t* a;
  const uint32_t* b;
  float (*element)(uint32_t);
};

template <int bits>
void multiply_lanes(void** lanes) {
  constexpr int kHeld = 32 / bits;  // elements of a register
  constexpr int kDepth = 8 * kHeld;
  float a[16][kDepth];  // [m][k]
  float b[kDepth][8];   // [k][n]
  const auto lane_at = [&](int lane) { return static_cast<MultiplyLane*>(lanes[lane]); };
  const auto element = [&](const uint32_t* registers, int i) {
    return lane_at(0)->element(registers[i / kHeld] >> (i % kHeld * bits) & ((1u << bits) - 1));
  };
  for (int lane = 0; lane < kWarp; lane++) {
    for (int i = 0; i < 4 * kHeld; i++) {
      const FragmentPlace at = fragment_a<bits>(lane, i);
      a[at.row][at.column] = element(lane_at(lane)->a, i);
    }
    for (int i = 0; i < 2 * kHeld; i++) {
      const FragmentPlace at = fragment_b<bits>(lane, i);
      b[at.row][at.column] = element(lane_at(lane)->b, i);
    }
  }
  float product[16][8] = {};
  for (int m = 0; m < 16; m++) {
    for (int k = 0; k < kDepth; k++) {
      for (int n = 0; n < 8; n++) {
        product[m][n] += a[m][k] * b[k][n];
      }
    }
  }
  for (int lane = 0; lane < kWarp; lane++) {
    for (int i = 0; i < 4; i++) {
      const FragmentPlace at = fragment_sum(lane, i);
      lane_at(lane)->sum[i] += product[at.row][at.column];
    }
  }
}

template <int bits>
void matrix_multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], float (*element)(uint32_t)) {
  MultiplyLane lane{sum, a, b, element};
  together(multiply_lanes<bits>, &lane);
}

template void matrix_multiply<16>(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], float (*)(uint32_t));
template void matrix_multiply<8>(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], float (*)(uint32_t));

struct MatrixLane {
  const void* row;
  uint32_t* out;
  bool transposed;
};

static void load_lanes(void** lanes) {
  const auto lane_at = [&](int lane) { return static_cast<MatrixLane*>(lanes[lane]); };
  for (int matrix = 0; matrix < 4; matrix++) {
    uint16_t rows[8][8];
    uint32_t banks = 0;
    for (int r = 0; r < 8; r++) {
      const void* row = lane_at(matrix * 8 + r)->row;
      const auto address = reinterpret_cast<uintptr_t>(row);
      if (address % 16 != 0 || !is_shared(row, 16)) {
        forbidden("a matrix row that is not 16 aligned bytes of shared memory");
      }
      conflicts += (banks >> (address / 16 % 8)) & 1;
      banks |= 1u << (address / 16 % 8);
      std::memcpy(rows[r], row, 16);
    }
    for (int lane = 0; lane < kWarp; lane++) {
      uint32_t word = 0;
      for (int i = 0; i < 2; i++) {
        const FragmentPlace at = fragment_matrix(lane, i);
        const uint16_t element = lane_at(lane)->transposed ? rows[at.column][at.row] : rows[at.row][at.column];
        word |= static_cast<uint32_t>(element) << (16 * i);
      }
      lane_at(lane)->out[matrix] = word;
    }
  }
}

static void no_operation(void**) {}

}  // namespace host

void warp_barrier() { host::together(host::no_operation, nullptr); }

uint32_t ballot(bool predicate) {
  host::BallotLane lane{predicate, 0};
  host::together(host::ballot_lanes, &lane);
  return lane.result;
}

void copy_async(void* shared, const void* global, int bytes) {
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0 || reinterpret_cast<uintptr_t>(global) % 16 != 0 ||
      (bytes != 0 && bytes != 16)) {
    host::forbidden("a background copy that is not of 16 aligned bytes");
  }
  std::memset(shared, host::kPoisonByte, 16);
  host::copies().under_way.push_back({shared, global, bytes, host::copies().groups});
}

void copy_commit() { host::copies().groups++; }

void load_matrices(uint32_t (&out)[4], const void* row) {
  host::MatrixLane lane{row, out, false};
  host::together(host::load_lanes, &lane);
}

void load_matrices_transposed(uint32_t (&out)[4], const void* row) {
  host::MatrixLane lane{row, out, true};
  host::together(host::load_lanes, &lane);
}

}  // namespace gavel::cuda
