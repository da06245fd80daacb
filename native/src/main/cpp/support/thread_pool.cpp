#include "support/thread_pool.h"

#include <exception>

namespace gavel {

namespace {

// A layer's tasks follow each other within microseconds, so a waiter looks for about this long
// before it sleeps; longer would take cores from others.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
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

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(threads - 1);
  for (int i = 1; i < threads; i++) {
    workers_.emplace_back([this, i] { work(i); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
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
  busy_.store(static_cast<int32_t>(workers_.size()), std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  drain(0);
  for (int32_t busy = busy_.load(std::memory_order_acquire); busy != 0;) {
    busy = await(busy_, busy);
  }
  if (failed_.load(std::memory_order_acquire)) {
    std::exception_ptr failure;
    std::swap(failure, failure_);
    std::rethrow_exception(failure);
  }
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    seen = await(epoch_, seen);
    if (stop_.load(std::memory_order_relaxed)) {
      return;
    }
    drain(thread);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      busy_.notify_all();
    }
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
