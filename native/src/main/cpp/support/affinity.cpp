#include "support/affinity.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <cstring>

#include "support/error.h"

namespace gavel {

#if defined(__linux__)

void require_cores(const int32_t* cores, int count) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    fail(GAVEL_UNAVAILABLE, "cores: expected a system of at most %d processors, found more", CPU_SETSIZE);
  }
  for (int i = 0; i < count; i++) {
    GAVEL_REQUIRE(cores[i] >= 0 && cores[i] < CPU_SETSIZE && CPU_ISSET(cores[i], &allowed),
                  "cores: expected processors that this process may run on, found %d", cores[i]);
    for (int other = 0; other < i; other++) {
      GAVEL_REQUIRE(cores[other] != cores[i], "cores: expected each processor once, found %d twice", cores[i]);
    }
  }
}

BoundThread::BoundThread(int core) {
  cpu_set_t before;
  static_assert(sizeof before_ == sizeof before);
  if (core >= 0 && sched_getaffinity(0, sizeof before, &before) == 0) {
    std::memcpy(before_, &before, sizeof before);
    bound_ = true;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(core, &only);
    sched_setaffinity(0, sizeof only, &only);  // a processor taken away since it was checked binds nobody
  }
}

BoundThread::~BoundThread() {
  if (bound_) {
    cpu_set_t before;
    std::memcpy(&before, before_, sizeof before);
    sched_setaffinity(0, sizeof before, &before);
  }
}

#else

void require_cores(const int32_t*, int) {
  fail(GAVEL_UNAVAILABLE, "cores: expected Linux, which binds threads to processors, found another system");
}

BoundThread::BoundThread(int) {}

BoundThread::~BoundThread() = default;

#endif

}  // namespace gavel
