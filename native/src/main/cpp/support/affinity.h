// Binding threads to processors, on Linux.
#pragma once

#include <cstdint>

namespace gavel {

// Fails with INVALID_ARGUMENT unless this thread may run on each of the processors, and with UNAVAILABLE on
// systems that bind no threads.
void require_cores(const int32_t* cores, int count);

// Binds the calling thread to a processor while it is in scope; to none if `core` is negative.
class BoundThread {
 public:
  explicit BoundThread(int core);
  ~BoundThread();
  BoundThread(const BoundThread&) = delete;
  BoundThread& operator=(const BoundThread&) = delete;

 private:
  bool bound_ = false;
  alignas(8) unsigned char before_[128];  // processors it may run on otherwise
};

}  // namespace gavel
