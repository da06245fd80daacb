// NCCL, opened at run time: sums over the devices that one process drives, each on a thread and a stream of its own.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "cuda/collective.h"

namespace gavel::nccl {

// The few functions of NCCL's C API that we call, declared here (NCCL's user guide, "NCCL API").
struct Communicator;
struct Id {
  char bytes[128];
};

struct Api {
  int32_t (*id)(Id*);
  int32_t (*join)(Communicator**, int32_t ranks, Id, int32_t rank);
  int32_t (*all_reduce)(const void* in, void* out, size_t count, int32_t type, int32_t operation, Communicator*,
                        void* stream);
  int32_t (*abort)(Communicator*);
  int32_t (*asynchronous_error)(Communicator*, int32_t* error);
  const char* (*error_text)(int32_t);
};

// Opens libnccl.so.2 once per process: the one that is loaded already, as by LibTorch, else one in our own folder or in
// that of LibTorch (where that is PyTorch's wheel, NCCL has a folder beside it), else the system's. Either may be
// empty. Fails with UNAVAILABLE, naming where it was looked for.
const Api& open(const std::string& own, const std::string& libtorch);

// A new meeting point for a group of ranks. Fails with UNAVAILABLE.
Id new_id(const Api& api);

class Rank : public Collective {
 public:
  Rank(const Api& api, int32_t rank, int32_t ranks) : api_(api), rank_(rank), ranks_(ranks) {}
  ~Rank() override { abort(); }

  // Meets the others; the thread's device becomes the rank's. Returns when all have come.
  void join(const Id& id);

  void sum(const Terms& terms, const Device& device) override;
  void require_whole() override;

  // From any thread, and the only end a rank comes to: what is under way on the device stops, whoever waits for it
  // returns, and every later sum fails. Needs no answer of the others, unlike ncclCommDestroy.
  void abort() noexcept;

 private:
  void require(int32_t code, const char* what) const;
  Communicator* joined() const;

  const Api& api_;
  const int32_t rank_;
  const int32_t ranks_;
  std::timed_mutex calling_;  // held in a call of the rank's own thread
  std::atomic<Communicator*> communicator_{nullptr};
  std::atomic<bool> aborted_{false};
};

}  // namespace gavel::nccl
