// One thread per rank: all run the same task and need each other to come to its end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace gavel {

class RankThreads {
 public:
  using Task = std::function<void(int rank)>;

  // How long to wait for ranks. 0: for ever.
  struct Patience {
    std::chrono::milliseconds whole;  // for the task
    std::chrono::milliseconds rest;   // for the others once one has failed, as all may for the same reason
    std::chrono::milliseconds end;    // for them to come back after `stop`
  };

  explicit RankThreads(int ranks);
  // Waits for the threads, save those that did not come back: these are left behind, with what their task holds.
  ~RankThreads();
  RankThreads(const RankThreads&) = delete;
  RankThreads& operator=(const RankThreads&) = delete;

  // Runs task(rank) on every rank's thread. Where a rank fails or the time is up, and others are still at it, `stop`
  // is called once, here: it must make them fail. Throws the first failure, or UNAVAILABLE naming the ranks that were
  // late. One caller at a time, and not after a rank was left behind.
  void run(const Task& task, const std::function<void()>& stop, const Patience& patience);

 private:
  struct State;

  static void work(std::shared_ptr<State> state, int rank);

  std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;
};

}  // namespace gavel
