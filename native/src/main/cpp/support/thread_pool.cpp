#include "support/thread_pool.h"

#if defined(__linux__)
#include <pthread.h>
#endif

#include <exception>

#include "support/affinity.h"

namespace gavel {

namespace {

// A layer's tasks follow each other within microseconds, so a waiter looks for about this long
// before it sleeps; longer would take cores from others.
constexpr int kSpins = 2000;

// Of the gate: workers that joined, whether it is open, and above these the number of the run. The number may come
// around while a worker sleeps, which then misses a run; none needs it.
constexpr uint32_t kJoined = 0x7FF;
constexpr uint32_t kOpen = 0x800;
constexpr uint32_t kRun = 0x1000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// As operators see it in `top -H`.
void name_thread() {
#if defined(__linux__)
  pthread_setname_np(pthread_self(), "gavel-compute");
#endif
}

// Waits until `value` differs from `old`.
template <typename T>
T await(std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; i++) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) {
      return now;
    }
    relax();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads, const std::vector<int>& cores) {
  workers_.reserve(threads - 1);
  for (int i = 1; i < threads; i++) {
    const int core = cores.empty() ? -1 : cores[i];
    workers_.emplace_back([this, i, core] {
      name_thread();
      const BoundThread bound(core);
      work(i);
    });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  open_gate();
  for (std::thread& worker : workers_) {
    worker.join();
  }
}

void ThreadPool::run(int64_t count, Task task) {
  if (count <= 0) {
    return;
  }
  if (count == 1 || workers_.empty()) {
    for (int64_t i = 0; i < count; i++) {
      task.call(task.object, i, 0);
    }
    return;
  }
  task_ = task;
  count_ = count;
  failed_.store(false, std::memory_order_relaxed);
  next_.store(0, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  open_gate();
  drain(0);
  const uint32_t joined = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & kJoined;
  for (uint32_t finished = finished_.load(std::memory_order_acquire); finished != joined;) {
    finished = await(finished_, finished);
  }
  if (failed_.load(std::memory_order_acquire)) {
    std::exception_ptr failure;
    std::swap(failure, failure_);
    std::rethrow_exception(failure);
  }
}

// Begins a run; the gate is shut.
void ThreadPool::open_gate() {
  const uint32_t run = gate_.load(std::memory_order_relaxed) & ~(kJoined | kOpen);
  gate_.store((run + kRun) | kOpen, std::memory_order_release);
  gate_.notify_all();
}

// Waits for a run that is open and not the one seen last, and joins it.
void ThreadPool::join(uint32_t& seen) {
  uint32_t gate = gate_.load(std::memory_order_acquire);
  while (true) {
    if ((gate & kOpen) == 0 || (gate & ~kJoined) == seen) {
      gate = await(gate_, gate);
    } else if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      seen = gate & ~kJoined;
      return;
    }
  }
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    join(seen);
    if (stop_.load(std::memory_order_relaxed)) {
      return;
    }
    drain(thread);
    finished_.fetch_add(1, std::memory_order_acq_rel);
    finished_.notify_all();
  }
}

void ThreadPool::drain(int thread) noexcept {
  while (true) {
    const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= count_ || failed_.load(std::memory_order_relaxed)) {
      return;
    }
    try {
      task_.call(task_.object, i, thread);
    } catch (...) {
      if (!failed_.exchange(true, std::memory_order_acq_rel)) {
        failure_ = std::current_exception();
      }
    }
  }
}

}  // namespace gavel
