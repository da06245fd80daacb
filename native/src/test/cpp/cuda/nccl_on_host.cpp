// The part of NCCL that we use, for ranks that are threads of this process and devices that are its memory. As with
// NCCL, joining waits for all ranks, and a sum for all ranks' terms; only that it waits for the stream and is done when
// the call returns.
//
// Sums go from rank to rank and are rounded at each to the type of their terms, as a ring does. Ranks that are out of
// step are told so: all must bring terms of the same number and type.
//
// The library of the host's device exports these functions under NCCL's names, and libnccl.so.2 is a link to it.
#include "nccl_on_host.h"

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "device/types.h"
#include "runtime.h"

namespace {

constexpr int32_t kSuccess = 0;
constexpr int32_t kInvalidUsage = 5;
constexpr int32_t kRemoteError = 6;
constexpr int32_t kFp16 = 6;
constexpr int32_t kBf16 = 9;

struct Terms {
  uint16_t* data = nullptr;
  size_t count = 0;
  int32_t type = kBf16;
};

struct Ring {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Terms> terms;  // [ranks]
  std::vector<char> aborted;
  size_t joined = 0;
  size_t arrived = 0;
  uint64_t sums = 0;
  bool in_step = true;
};

std::mutex mutex;
std::map<uint64_t, std::shared_ptr<Ring>> rings;
uint64_t ids = 0;

uint16_t add(int32_t type, uint16_t a, uint16_t b) {
  using namespace gavel::cuda;
  return type == kFp16 ? from_float<Fp16>(to_float(Fp16{a}) + to_float(Fp16{b})).bits
                       : from_float<Bf16>(to_float(Bf16{a}) + to_float(Bf16{b})).bits;
}

void add_up(Ring& ring) {
  const size_t count = ring.terms[0].count;
  for (const Terms& terms : ring.terms) {
    ring.in_step &= terms.count == count && terms.type == ring.terms[0].type;
  }
  for (size_t i = 0; ring.in_step && i < count; i++) {
    uint16_t sum = ring.terms[0].data[i];
    for (size_t rank = 1; rank < ring.terms.size(); rank++) {
      sum = add(ring.terms[0].type, sum, ring.terms[rank].data[i]);
    }
    for (const Terms& terms : ring.terms) {
      terms.data[i] = sum;
    }
  }
}

}  // namespace

struct gavel::nccl::Communicator {
  std::shared_ptr<Ring> ring;
  size_t rank;
};

using gavel::nccl::Communicator;
using gavel::nccl::Id;

extern "C" {

GAVEL_API int32_t ncclGetUniqueId(Id* id) {
  const std::lock_guard<std::mutex> lock(mutex);
  *id = {};
  std::memcpy(id->bytes, &++ids, sizeof ids);
  return kSuccess;
}

GAVEL_API int32_t ncclCommInitRank(Communicator** communicator, int32_t ranks, Id id, int32_t rank) {
  uint64_t key = 0;
  std::memcpy(&key, id.bytes, sizeof key);
  std::shared_ptr<Ring> ring;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<Ring>& found = rings[key];
    if (found == nullptr) {
      found = std::make_shared<Ring>();
      found->terms.resize(ranks);
      found->aborted.resize(ranks);
    }
    ring = found;
  }
  std::unique_lock<std::mutex> lock(ring->mutex);
  ring->joined++;
  ring->changed.notify_all();
  ring->changed.wait(lock, [&] { return ring->joined == ring->terms.size(); });
  *communicator = new Communicator{ring, static_cast<size_t>(rank)};
  return kSuccess;
}

GAVEL_API int32_t ncclAllReduce(const void*, void* data, size_t count, int32_t type, int32_t,
                                Communicator* communicator, void* stream) {
  if (gavel::cuda::synchronize(stream) != GAVEL_OK) {
    return kInvalidUsage;
  }
  const std::shared_ptr<Ring> ring = communicator->ring;
  const size_t rank = communicator->rank;
  std::unique_lock<std::mutex> lock(ring->mutex);
  if (type != kBf16 && type != kFp16) {
    return kInvalidUsage;
  }
  ring->terms[rank] = {static_cast<uint16_t*>(data), count, type};
  const uint64_t before = ring->sums;
  if (++ring->arrived == ring->terms.size()) {
    add_up(*ring);
    ring->arrived = 0;
    ring->sums++;
    ring->changed.notify_all();
  }
  ring->changed.wait(lock, [&] { return ring->sums > before || ring->aborted[rank]; });
  return ring->sums == before ? kRemoteError : ring->in_step ? kSuccess : kInvalidUsage;
}

GAVEL_API int32_t ncclCommAbort(Communicator* communicator) {
  {
    const std::lock_guard<std::mutex> lock(communicator->ring->mutex);
    communicator->ring->aborted[communicator->rank] = 1;
  }
  communicator->ring->changed.notify_all();
  delete communicator;
  return kSuccess;
}

GAVEL_API int32_t ncclCommGetAsyncError(Communicator*, int32_t* error) {
  *error = kSuccess;
  return kSuccess;
}

GAVEL_API const char* ncclGetErrorString(int32_t code) {
  return code == kRemoteError ? "a rank is lost" : code == kInvalidUsage ? "ranks are out of step" : "no error";
}

}  // extern "C"

gavel::nccl::Api nccl_on_host() {
  return {ncclGetUniqueId, ncclCommInitRank, ncclAllReduce, ncclCommAbort, ncclCommGetAsyncError, ncclGetErrorString};
}
