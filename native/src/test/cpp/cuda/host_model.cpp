#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "device/platform.h"
#include "host_stream.h"

namespace gavel::cuda {

namespace host {

namespace {

constexpr size_t kStackBytes = 128 * 1024;
constexpr int kThreadsMax = 1024;
constexpr size_t kSharedMax = 163 * 1024;  // of sm_80
constexpr size_t kGuardBytes = 256;

enum class State { kReady, kBlockBarrier, kWarp, kDone };

struct Fiber {
  ucontext_t context;
  jmp_buf resume;
  bool started = false;
  State state = State::kReady;
  Position position;
  Copies copies;
};

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
    model.fibers[t]->copies = {};
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
    if (!model.fibers[t]->copies.under_way.empty()) {
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
  static std::mutex one_grid;
  const std::lock_guard<std::mutex> lock(one_grid);
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

void seed(uint64_t value) {
  model.random.seed(value);
  seed_streams(value);
}

const Position& position() { return model.current->position; }

Copies& copies() { return model.current->copies; }

bool is_shared(const void* begin, size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(begin);
  return at >= model.shared && at + bytes <= model.shared + model.shared_bytes;
}

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

void* shared_memory() { return host::model.shared; }

}  // namespace gavel::cuda
