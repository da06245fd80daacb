// The cores of one engine: a fixed set of workers beside the calling thread.
//
// Nobody waits for a worker that has not begun: where other processes want the cores too, a worker may be without
// one for milliseconds, in which the others do its tasks. A worker joins a run while its gate is open; the caller
// shuts the gate when no task is left, and waits for those that joined.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace gavel {

class ThreadPool {
 public:
  // `threads` counts the caller; threads - 1 workers are started. Worker i is bound to cores[i], if there are any;
  // the caller is not.
  explicit ThreadPool(int threads, const std::vector<int>& cores = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs task(i, thread) for every i in [0, count), each once, on any thread; returns when all are
  // done. thread is in [0, threads). Tasks are taken in order. The first exception is rethrown after
  // the others have finished. One caller at a time.
  template <typename F>
  void run(int64_t count, const F& task) {
    run(count,
        Task{&task, [](const void* object, int64_t i, int thread) { (*static_cast<const F*>(object))(i, thread); }});
  }

 private:
  // A callable of the caller's, borrowed: a std::function would allocate.
  struct Task {
    const void* object;
    void (*call)(const void* object, int64_t i, int thread);
  };

  void run(int64_t count, Task task);
  void open_gate();
  void join(uint32_t& seen);
  void work(int thread);
  void drain(int thread) noexcept;

  std::vector<std::thread> workers_;
  Task task_ = {};
  int64_t count_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  alignas(64) std::atomic<uint32_t> gate_{0};      // number of the run, whether it is open, workers that joined it
  alignas(64) std::atomic<int64_t> next_{0};       // next task
  alignas(64) std::atomic<uint32_t> finished_{0};  // workers that joined this run and have no task left
  std::atomic<bool> stop_{false};
};

}  // namespace gavel
