// Graphs of batches whose shape has come before: hundreds of launches as two.
//
// A shape's first batch is launched directly, which lets buffers grow and LibTorch take what it keeps (its handle is
// the thread's, its workspace the handle's and the stream's); the second is captured. What stops a capture fails no
// batch: it is counted, the shape is left alone from then on, and so are all after some failures. All graphs are
// dropped when a buffer has moved, since they hold its address, and when a batch has failed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "cuda/batch_shape.h"
#include "cuda/device.h"
#include "model/engine.h"

namespace gavel {

class Graphs {
 public:
  // The halves of a batch, apart since the device's time is taken between them.
  enum Half { kLayers, kHead, kHalves };
  using Enqueue = std::function<void()>;

  explicit Graphs(const Device& device) : device_(device) {}
  Graphs(const Graphs&) = delete;
  Graphs& operator=(const Graphs&) = delete;
  ~Graphs() { drop(); }

  // Makes this the current shape. Its buffers have their room; what `enqueue` enqueues depends on nothing but the
  // shape and the content of memory, and may be asked for without being run.
  void select(const BatchShape& shape, const Enqueue (&enqueue)[kHalves]);
  // No shape: launches are direct.
  void select_none() { current_ = nullptr; }

  // Launches a half of the current shape; false: there is no graph, the caller enqueues it.
  bool launch(Half half);

  // Gives all graphs up; nothing is under way on the stream.
  void drop();

  // The same, and the next batch is launched directly, whichever it is: LibTorch has to take again what it keeps.
  void start_over();

  Engine::GraphCounts counts() const { return {held_, replays_, failures_}; }

 private:
  struct Entry {
    void* halves[kHalves] = {};
    int64_t used = 0;  // when, counted in selections

    bool captured() const { return halves[kHead] != nullptr; }
  };

  bool capture(Entry& entry, const Enqueue (&enqueue)[kHalves]);
  void* capture(const Enqueue& enqueue);
  void refuse(const BatchShape& shape);
  void release(Entry& entry);
  void make_room();

  const Device& device_;
  std::map<BatchShape, Entry> entries_;  // shapes that have come, with or without graphs
  std::set<BatchShape> refused_;
  std::map<BatchShape, Entry>::value_type* current_ = nullptr;
  int64_t selections_ = 0;
  int64_t moves_ = 0;       // of the device's memory, that the graphs know of
  std::thread::id thread_;  // that launched directly
  std::atomic<int64_t> held_{0};
  std::atomic<int64_t> replays_{0};
  std::atomic<int64_t> failures_{0};
};

}  // namespace gavel
