#include "host_stream.h"

#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "device/launch.h"
#include "runtime.h"

namespace gavel::cuda {

namespace host {

namespace {

constexpr size_t kAlignment = 256;
constexpr int kReleasedByte = 0xDD;
constexpr size_t kReleasedMost = size_t{1} << 26;  // bytes kept
constexpr int kAhead = 3;                          // most works that run at a call, unless all do

using Works = std::vector<Work>;

struct Stream {
  std::deque<Work> waiting;
  bool recording = false;
  bool spoiled = false;  // the recording
  std::thread::id recorder;
  Works recorded;
};

struct Graph {
  std::shared_ptr<const Works> works;
};

struct Allocation {
  size_t bytes;
  Place place;
};

struct Released {
  unsigned char* memory;
  size_t bytes;
};

// Of all that follows; work runs under it, too, and may not wait for another thread.
std::recursive_mutex mutex;
using Lock = std::lock_guard<std::recursive_mutex>;

std::set<Stream*> streams;
std::map<const unsigned char*, Allocation> allocations;
std::deque<Released> released;
size_t released_bytes = 0;
int64_t launches = 0;
int64_t late = 0;
std::mt19937_64 random_numbers{1};

void run_first(Stream& stream) {
  const Work work = std::move(stream.waiting.front());
  stream.waiting.pop_front();
  work();
}

void run_all(Stream& stream) {
  while (!stream.waiting.empty()) {
    run_first(stream);
  }
}

void run_all() {
  for (Stream* stream : streams) {
    run_all(*stream);
  }
}

// What a device may have got done by now.
void run_some(Stream& stream) {
  const bool all = random_numbers() % 4 == 0;
  for (int64_t left = static_cast<int64_t>(random_numbers() % (kAhead + 1)); all || left > 0; left--) {
    if (stream.waiting.empty()) {
      break;
    }
    run_first(stream);
  }
}

Stream* opened(void* handle) {
  Stream* stream = static_cast<Stream*>(handle);
  return streams.count(stream) > 0 ? stream : nullptr;
}

int32_t no_stream(const char* what) {
  return failed(GAVEL_INTERNAL, "cuda: %s: expected a stream of create_stream, found another", what);
}

// Where the bytes lie; ends the process if they run out of their allocation.
Place place_of(const void* begin, size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(begin);
  auto next = allocations.upper_bound(at);
  if (next == allocations.begin()) {
    return Place::kElsewhere;
  }
  const auto& [base, allocation] = *--next;
  if (at >= base + allocation.bytes) {
    return Place::kElsewhere;
  }
  if (at + bytes > base + allocation.bytes) {
    forbidden("a copy or a fill beyond the end of an allocation");
  }
  return allocation.place;
}

void check_released(const Released& old) {
  for (size_t i = 0; i < old.bytes; i++) {
    if (old.memory[i] != kReleasedByte) {
      forbidden("a write to memory that was released");
    }
  }
}

// Ends the process unless what was released is as it was left.
struct CheckAtExit {
  ~CheckAtExit() {
    for (const Released& old : released) {
      check_released(old);
    }
  }
} check_at_exit;

}  // namespace

void seed_streams(uint64_t value) { random_numbers.seed(value ^ 0x9E3779B97F4A7C15u); }
int64_t graph_launches() { return launches; }
int64_t late_work() { return late; }

int32_t enqueue(void* handle, Work work) {
  const Lock lock(mutex);
  Stream* stream = opened(handle);
  if (stream == nullptr) {
    return no_stream("launch");
  }
  if (stream->recording) {
    stream->recorded.push_back(std::move(work));
    return GAVEL_OK;
  }
  stream->waiting.push_back(std::move(work));
  run_some(*stream);
  late += !stream->waiting.empty();
  return GAVEL_OK;
}

int32_t refuse_while_recording(const char* what) {
  const Lock lock(mutex);
  bool recording = false;
  for (Stream* stream : streams) {
    if (stream->recording && stream->recorder == std::this_thread::get_id()) {
      recording = stream->spoiled = true;
    }
  }
  return recording ? failed(GAVEL_INTERNAL, "cuda: %s: not permitted while a stream is recorded", what) : GAVEL_OK;
}

int32_t allocate(size_t bytes, Place place, void** memory) {
  const Lock lock(mutex);
  *memory = nullptr;
  if (const int32_t status = refuse_while_recording("memory"); status != GAVEL_OK || bytes == 0) {
    return status;
  }
  *memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (*memory == nullptr) {
    return failed(GAVEL_RESOURCE_EXHAUSTED, "cuda: memory: expected %zu bytes, found none", bytes);
  }
  std::memset(*memory, kPoisonByte, bytes);
  allocations[static_cast<unsigned char*>(*memory)] = {bytes, place};
  return GAVEL_OK;
}

// Waits for the device, as a device does.
int32_t release(void* memory) {
  if (memory == nullptr) {
    return GAVEL_OK;
  }
  const Lock lock(mutex);
  if (const int32_t status = refuse_while_recording("memory"); status != GAVEL_OK) {
    return status;
  }
  run_all();
  auto* begin = static_cast<unsigned char*>(memory);
  const auto found = allocations.find(begin);
  if (found == allocations.end()) {
    return failed(GAVEL_INTERNAL, "cuda: memory: expected an allocation, found another address");
  }
  const size_t bytes = found->second.bytes;
  allocations.erase(found);
  std::memset(begin, kReleasedByte, bytes);
  released.push_back({begin, bytes});
  released_bytes += bytes;
  while (released_bytes > kReleasedMost) {
    const Released old = released.front();
    released.pop_front();
    check_released(old);
    released_bytes -= old.bytes;
    std::free(old.memory);
  }
  return GAVEL_OK;
}

}  // namespace host

using namespace host;

// A copy of ordinary host memory waits for the stream, and a graph cannot hold one.
int32_t copy(void* to, const void* from, size_t bytes, void* handle) {
  const Lock lock(mutex);
  Stream* stream = opened(handle);
  if (stream == nullptr) {
    return no_stream("copy");
  }
  if (bytes == 0) {
    return GAVEL_OK;
  }
  const bool staged = place_of(to, bytes) != Place::kElsewhere && place_of(from, bytes) != Place::kElsewhere;
  if (staged) {
    return enqueue(stream, [=] { std::memmove(to, from, bytes); });
  }
  if (stream->recording) {
    return refuse_while_recording("copy of memory that is not pinned");
  }
  run_all(*stream);
  std::memmove(to, from, bytes);
  return GAVEL_OK;
}

int32_t fill(void* memory, int32_t byte, size_t bytes, void* stream) {
  const Lock lock(mutex);
  if (bytes > 0 && place_of(memory, bytes) != Place::kDevice) {
    return failed(GAVEL_INTERNAL, "cuda: fill: expected memory of the device, found another address");
  }
  return bytes == 0 ? GAVEL_OK : enqueue(stream, [=] { std::memset(memory, byte, bytes); });
}

int32_t create_stream(void** stream) {
  const Lock lock(mutex);
  Stream* created = new Stream();
  streams.insert(created);
  *stream = created;
  return GAVEL_OK;
}

int32_t release_stream(void* handle) {
  const Lock lock(mutex);
  Stream* stream = opened(handle);
  if (stream == nullptr) {
    return no_stream("stream");
  }
  run_all(*stream);
  streams.erase(stream);
  delete stream;
  return GAVEL_OK;
}

int32_t synchronize(void* handle) {
  const Lock lock(mutex);
  Stream* stream = opened(handle);
  if (stream == nullptr) {
    return no_stream("stream");
  }
  if (const int32_t status = refuse_while_recording("synchronize"); status != GAVEL_OK) {
    return status;
  }
  run_all(*stream);
  return GAVEL_OK;
}

int32_t begin_graph(void* handle) {
  const Lock lock(mutex);
  Stream* stream = opened(handle);
  if (stream == nullptr) {
    return no_stream("graph");
  }
  if (const int32_t status = refuse_while_recording("graph"); status != GAVEL_OK) {
    return status;
  }
  stream->recording = true;
  stream->recorder = std::this_thread::get_id();
  stream->spoiled = false;
  stream->recorded.clear();
  return GAVEL_OK;
}

int32_t end_graph(void* handle, void** graph) {
  const Lock lock(mutex);
  *graph = nullptr;
  Stream* stream = opened(handle);
  if (stream == nullptr || !stream->recording) {
    return failed(GAVEL_INTERNAL, "cuda: graph: expected a stream that is recorded, found another");
  }
  stream->recording = false;
  if (stream->spoiled) {
    return failed(GAVEL_INTERNAL, "cuda: graph: expected a recording that nothing spoiled, found one");
  }
  *graph = new Graph{std::make_shared<const Works>(std::move(stream->recorded))};
  return GAVEL_OK;
}

int32_t launch_graph(void* graph, void* stream) {
  const Lock lock(mutex);
  launches++;
  // A launch under way outlives the graph.
  const auto works = static_cast<const Graph*>(graph)->works;
  return enqueue(stream, [works] {
    for (const Work& work : *works) {
      work();
    }
  });
}

int32_t release_graph(void* graph) {
  delete static_cast<Graph*>(graph);
  return GAVEL_OK;
}

}  // namespace gavel::cuda
