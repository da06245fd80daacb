#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "device/platform.h"
#include "fragments.h"

namespace gavel::cuda {

namespace host {

namespace {

constexpr size_t kStackBytes = 128 * 1024;
constexpr int kThreadsMax = 1024;
constexpr size_t kSharedMax = 163 * 1024;  // of sm_80
constexpr size_t kGuardBytes = 256;
constexpr unsigned char kPoisonByte = 0xFF;  // NaN in every element type

enum class State { kReady, kBlockBarrier, kWarp, kDone };

struct Copy {
  void* to;
  const void* from;
  int bytes;
  int group;
};

struct Fiber {
  ucontext_t context;
  jmp_buf resume;
  bool started = false;
  State state = State::kReady;
  Position position;
  std::vector<Copy> copies;  // under way
  int groups = 0;            // committed
};

// What the lanes of a warp do together, run by the last one to come.
using Operation = void (*)(void** lanes);

struct Warp {
  void* lanes[kWarp];
  Operation operation;
  int arrived;
};

struct Model {
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Warp> warps;
  std::vector<int> ready;
  std::unique_ptr<unsigned char[]> shared_owner;
  unsigned char* shared = nullptr;
  size_t shared_bytes = 0;
  int threads = 0;
  int at_barrier = 0;
  int done = 0;
  Fiber* current = nullptr;
  const std::function<void()>* body = nullptr;
  jmp_buf scheduler;
  std::mt19937_64 random{1};
  int64_t conflicts = 0;
};

Model model;

void suspend() {
  Fiber* self = model.current;
  if (_setjmp(self->resume) == 0) {
    _longjmp(model.scheduler, 1);
  }
}

void fiber_main() {
  for (;;) {
    (*model.body)();
    Fiber* self = model.current;
    self->state = State::kDone;
    model.done++;
    suspend();
  }
}

void resume(Fiber& fiber) {
  model.current = &fiber;
  if (_setjmp(model.scheduler) == 0) {
    if (fiber.started) {
      _longjmp(fiber.resume, 1);
    }
    fiber.started = true;
    setcontext(&fiber.context);
  }
}

std::unique_ptr<Fiber> make_fiber() {
  auto fiber = std::make_unique<Fiber>();
  void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) {
    forbidden("no memory for a fiber");
  }
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = stack;
  fiber->context.uc_stack.ss_size = kStackBytes;
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, fiber_main, 0);
  return fiber;
}

void make_ready(int thread) {
  model.fibers[thread]->state = State::kReady;
  model.ready.push_back(thread);
}

// Waits for all lanes of the warp; the last to come runs the operation on what all of them brought.
void together(Operation operation, void* lane_data) {
  Fiber* self = model.current;
  const int thread = self->position.thread;
  Warp& warp = model.warps[thread / kWarp];
  if (warp.arrived > 0 && warp.operation != operation) {
    forbidden("the lanes of a warp run different instructions");
  }
  warp.operation = operation;
  warp.lanes[thread % kWarp] = lane_data;
  if (++warp.arrived < kWarp) {
    self->state = State::kWarp;
    suspend();
    return;
  }
  operation(warp.lanes);
  warp.arrived = 0;
  const int first = thread / kWarp * kWarp;
  for (int lane = 0; lane < kWarp; lane++) {
    if (first + lane != thread) {
      make_ready(first + lane);
    }
  }
}

void start_block() {
  if (model.shared_bytes > 0) {
    std::memset(model.shared, kPoisonByte, model.shared_bytes);
  }
  std::memset(model.shared + model.shared_bytes, 0xA5, kGuardBytes);
  for (Warp& warp : model.warps) {
    warp.arrived = 0;
  }
  model.at_barrier = model.done = 0;
  model.ready.clear();
  for (int t = 0; t < model.threads; t++) {
    model.fibers[t]->copies.clear();
    model.fibers[t]->groups = 0;
    make_ready(t);
  }
}

void finish_block() {
  for (size_t i = 0; i < kGuardBytes; i++) {
    if (model.shared[model.shared_bytes + i] != 0xA5) {
      forbidden("a write behind the block's shared memory");
    }
  }
  for (int t = 0; t < model.threads; t++) {
    if (!model.fibers[t]->copies.empty()) {
      forbidden("a thread ended while its background copies were under way");
    }
  }
}

void run_block() {
  start_block();
  while (model.done < model.threads) {
    if (model.ready.empty()) {
      forbidden("threads part: some wait at a barrier or in a warp for others that will not come");
    }
    const size_t pick = model.random() % model.ready.size();
    const int thread = model.ready[pick];
    model.ready[pick] = model.ready.back();
    model.ready.pop_back();
    resume(*model.fibers[thread]);
  }
  finish_block();
}

}  // namespace

[[noreturn]] void forbidden(const char* what) {
  const Position at = model.current == nullptr ? Position{} : model.current->position;
  std::fprintf(stderr, "FORBIDDEN on a device: %s (block %d,%d,%d thread %d)\n", what, at.x, at.y, at.z, at.thread);
  std::fflush(nullptr);
  std::_Exit(1);
}

void run(Grid grid, int threads, size_t shared_bytes, const std::function<void()>& body) {
  if (threads < 1 || threads > kThreadsMax || threads % kWarp != 0 || grid.x > 2147483647 || grid.y > 65535 ||
      grid.z > 65535 || shared_bytes > kSharedMax) {
    forbidden("a launch beyond the limits of sm_80, or of part of a warp");
  }
  while (static_cast<int>(model.fibers.size()) < threads) {
    model.fibers.push_back(make_fiber());
  }
  model.threads = threads;
  model.warps.resize(threads / kWarp);
  model.shared_bytes = shared_bytes;
  model.shared_owner.reset(new unsigned char[shared_bytes + kGuardBytes + 128]);
  model.shared = model.shared_owner.get();
  model.shared += (128 - reinterpret_cast<uintptr_t>(model.shared) % 128) % 128;
  model.body = &body;
  for (int64_t z = 0; z < grid.z; z++) {
    for (int64_t y = 0; y < grid.y; y++) {
      for (int64_t x = 0; x < grid.x; x++) {
        for (int t = 0; t < threads; t++) {
          model.fibers[t]->position = {t,
                                       static_cast<int>(x),
                                       static_cast<int>(y),
                                       static_cast<int>(z),
                                       static_cast<int>(grid.x),
                                       static_cast<int>(grid.y)};
        }
        run_block();
      }
    }
  }
  model.current = nullptr;
}

void seed(uint64_t value) { model.random.seed(value); }
int64_t bank_conflicts() { return model.conflicts; }
const Position& position() { return model.current->position; }

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
  std::vector<Copy>& copies = model.current->copies;
  const int last = model.current->groups - pending;  // groups below this must have arrived
  for (const Copy& copy : copies) {
    if (copy.group < last) {
      std::memset(copy.to, 0, 16);
      std::memcpy(copy.to, copy.from, copy.bytes);
    }
  }
  copies.erase(std::remove_if(copies.begin(), copies.end(), [&](const Copy& copy) { return copy.group < last; }),
               copies.end());
}

struct MultiplyLane {
  float* sum;
  const uint32_t* a;
  const uint32_t* b;
  float (*element)(uint16_t);
};

static void multiply_lanes(void** lanes) {
  float a[16][16];  // [m][k]
  float b[16][8];   // [k][n]
  const auto lane_at = [&](int lane) { return static_cast<MultiplyLane*>(lanes[lane]); };
  const auto element = lane_at(0)->element;
  for (int lane = 0; lane < kWarp; lane++) {
    for (int i = 0; i < 8; i++) {
      const FragmentPlace at = fragment_a(lane, i);
      a[at.row][at.column] = element(static_cast<uint16_t>(lane_at(lane)->a[i / 2] >> (i % 2 * 16)));
    }
    for (int i = 0; i < 4; i++) {
      const FragmentPlace at = fragment_b(lane, i);
      b[at.row][at.column] = element(static_cast<uint16_t>(lane_at(lane)->b[i / 2] >> (i % 2 * 16)));
    }
  }
  float product[16][8] = {};
  for (int m = 0; m < 16; m++) {
    for (int k = 0; k < 16; k++) {
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

void matrix_multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], float (*element)(uint16_t)) {
  MultiplyLane lane{sum, a, b, element};
  together(multiply_lanes, &lane);
}

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
      if (address % 16 != 0 || address < reinterpret_cast<uintptr_t>(model.shared) ||
          address + 16 > reinterpret_cast<uintptr_t>(model.shared) + model.shared_bytes) {
        forbidden("a matrix row that is not 16 aligned bytes of shared memory");
      }
      model.conflicts += (banks >> (address / 16 % 8)) & 1;
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

void block_barrier() {
  host::model.current->state = host::State::kBlockBarrier;
  if (++host::model.at_barrier < host::model.threads) {
    host::suspend();
    return;
  }
  host::model.at_barrier = 0;
  const int self = host::model.current->position.thread;
  host::model.current->state = host::State::kReady;
  for (int t = 0; t < host::model.threads; t++) {
    if (t != self) {
      host::make_ready(t);
    }
  }
}

void warp_barrier() { host::together(host::no_operation, nullptr); }

void* shared_memory() { return host::model.shared; }

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
  host::Fiber* self = host::model.current;
  std::memset(shared, host::kPoisonByte, 16);
  self->copies.push_back({shared, global, bytes, self->groups});
}

void copy_commit() { host::model.current->groups++; }

void load_matrices(uint32_t (&out)[4], const void* row) {
  host::MatrixLane lane{row, out, false};
  host::together(host::load_lanes, &lane);
}

void load_matrices_transposed(uint32_t (&out)[4], const void* row) {
  host::MatrixLane lane{row, out, true};
  host::together(host::load_lanes, &lane);
}

}  // namespace gavel::cuda
