#include "support/rank_threads.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>

#include "support/error.h"

namespace gavel {

struct RankThreads::State {
  explicit State(int ranks) : at_it(ranks, 0) {}

  std::mutex mutex;
  std::condition_variable changed;
  Task task;
  uint64_t epoch = 0;        // counts calls of run
  std::vector<char> at_it;   // ranks that have not come back
  std::exception_ptr first;  // failure
  bool ended = false;

  bool idle() const {
    for (const char busy : at_it) {
      if (busy) {
        return false;
      }
    }
    return true;
  }

  std::string names() const {
    std::string text;
    for (size_t rank = 0; rank < at_it.size(); rank++) {
      if (at_it[rank]) {
        text += text.empty() ? "" : ", ";
        text += std::to_string(rank);
      }
    }
    return text;
  }

  // Waits until `done`, or for so long; 0: for ever.
  template <typename F>
  bool wait(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds time, const F& done) {
    if (time.count() == 0) {
      changed.wait(lock, done);
      return true;
    }
    return changed.wait_for(lock, time, done);
  }
};

RankThreads::RankThreads(int ranks) : state_(std::make_shared<State>(ranks)) {
  for (int rank = 0; rank < ranks; rank++) {
    threads_.emplace_back(work, state_, rank);
  }
}

RankThreads::~RankThreads() {
  std::vector<char> behind;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->ended = true;
    behind = state_->at_it;
  }
  state_->changed.notify_all();
  for (size_t rank = 0; rank < threads_.size(); rank++) {
    behind[rank] ? threads_[rank].detach() : threads_[rank].join();
  }
}

void RankThreads::work(std::shared_ptr<State> state, int rank) {
  std::unique_lock<std::mutex> lock(state->mutex);
  for (uint64_t seen = 0;; seen++) {
    state->changed.wait(lock, [&] { return state->ended || state->epoch > seen; });
    if (state->epoch == seen) {
      return;
    }
    const Task& task = state->task;  // stays until all have come back
    std::exception_ptr failure;
    lock.unlock();
    try {
      task(rank);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure != nullptr && state->first == nullptr) {
      state->first = failure;
    }
    state->at_it[rank] = 0;
    state->changed.notify_all();
  }
}

void RankThreads::run(const Task& task, const std::function<void()>& stop, const Patience& patience) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  State& state = *state_;
  state.task = task;
  state.first = nullptr;
  state.at_it.assign(threads_.size(), 1);
  state.epoch++;
  state.changed.notify_all();
  bool idle = state.wait(lock, patience.whole, [&] { return state.idle() || state.first != nullptr; }) &&
              (state.idle() || state.wait(lock, patience.rest, [&] { return state.idle(); }));
  std::exception_ptr failure = state.first;
  if (!idle) {
    const std::string late = state.names();
    lock.unlock();
    stop();
    lock.lock();
    idle = state.wait(lock, patience.end, [&] { return state.idle(); });
    if (failure == nullptr) {
      fail(GAVEL_UNAVAILABLE, "ranks: expected all within %lld ms, found that %s did not come back",
           static_cast<long long>(patience.whole.count()), late.c_str());
    }
  }
  if (idle) {
    state.task = nullptr;
  }
  if (failure != nullptr) {
    std::rethrow_exception(failure);
  }
}

}  // namespace gavel
