#include "support/thread_pool.h"

#include <atomic>
#include <stdexcept>

#include "checks.h"

namespace gavel::test {

namespace {

// Each task runs once, on a thread of the pool, and run() returns when all have; more threads than processors, so
// that some come late.
void test_runs(ThreadPool& pool) {
  const int count = random_int(0, 40);
  vector<int> runs(count);
  std::atomic<int> strangers{0};
  pool.run(count, [&](int64_t i, int thread) {
    runs[i]++;
    strangers += thread < 0 || thread >= pool.threads();
  });
  expect_equal("pool: threads outside of it", 0, static_cast<float>(strangers));
  for (const int found : runs) {
    expect_equal("pool: runs of a task", 1, static_cast<float>(found));
  }
}

void test_failure(ThreadPool& pool) {
  bool thrown = false;
  try {
    pool.run(20, [](int64_t i, int) {
      if (i == 7) {
        throw std::runtime_error("task");
      }
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  expect_equal("pool: the task's exception", 1, static_cast<float>(thrown));
}

}  // namespace

void test_thread_pool() {
  for (const int threads : {1, 2, 3, 13}) {
    ThreadPool pool(threads);
    for (int i = 0; i < 2000; i++) {
      test_runs(pool);
      if (i % 100 == 0) {
        test_failure(pool);
      }
    }
  }
}

}  // namespace gavel::test
