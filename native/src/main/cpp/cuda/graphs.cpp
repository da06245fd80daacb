#include "cuda/graphs.h"

#include <algorithm>
#include <exception>

namespace gavel {

namespace {

constexpr size_t kShapesMost = 64;   // a graph of some hundred launches holds up to a megabyte of the device
constexpr size_t kRefusedMost = 16;  // failures after which no more captures are tried

}  // namespace

void Graphs::select(const BatchShape& shape, const Enqueue (&enqueue)[kHalves]) {
  current_ = nullptr;
  if (moves_ != device_.moves()) {
    drop();
    moves_ = device_.moves();
  }
  const bool known_thread = thread_ == std::this_thread::get_id();
  const auto found = entries_.find(shape);
  if (found != entries_.end() && (found->second.captured() || (known_thread && capture(found->second, enqueue)))) {
    found->second.used = ++selections_;
    current_ = &*found;
    return;
  }
  thread_ = std::this_thread::get_id();
  if (found != entries_.end() && known_thread) {
    refuse(shape);
  } else if (found == entries_.end() && refused_.count(shape) == 0 && refused_.size() < kRefusedMost) {
    make_room();
    entries_[shape].used = ++selections_;
  }
}

bool Graphs::launch(Half half) {
  if (current_ == nullptr) {
    return false;
  }
  // The first launch of a graph brings it to the device, which may lack the room.
  if (device_.functions().launch_graph(current_->second.halves[half], device_.stream()) != GAVEL_OK) {
    const BatchShape shape = current_->first;
    current_ = nullptr;
    refuse(shape);
    return false;
  }
  replays_ += half == kLayers;
  return true;
}

bool Graphs::capture(Entry& entry, const Enqueue (&enqueue)[kHalves]) {
  for (int half = 0; half < kHalves; half++) {
    entry.halves[half] = capture(enqueue[half]);
    if (entry.halves[half] == nullptr) {
      release(entry);
      return false;
    }
  }
  held_++;
  return true;
}

// Null where it fails.
void* Graphs::capture(const Enqueue& enqueue) {
  const gavel_cuda_table& functions = device_.functions();
  if (functions.begin_graph(device_.stream()) != GAVEL_OK) {
    return nullptr;
  }
  bool enqueued = true;
  try {
    enqueue();
  } catch (const std::exception&) {
    enqueued = false;  // if it is more than the capture, the direct launch says so
  }
  void* graph = nullptr;
  const bool ended = functions.end_graph(device_.stream(), &graph) == GAVEL_OK;
  if (enqueued && ended) {
    return graph;
  }
  if (graph != nullptr) {
    functions.release_graph(graph);
  }
  return nullptr;
}

void Graphs::refuse(const BatchShape& shape) {
  failures_++;
  refused_.insert(shape);
  const auto found = entries_.find(shape);
  release(found->second);
  entries_.erase(found);
  if (refused_.size() == kRefusedMost) {
    drop();
    entries_.clear();
  }
}

void Graphs::release(Entry& entry) {
  held_ -= entry.captured();
  for (void*& graph : entry.halves) {
    if (graph != nullptr) {
      device_.functions().release_graph(graph);
    }
    graph = nullptr;
  }
}

// Forgets the shape that has not come for longest.
void Graphs::make_room() {
  if (entries_.size() < kShapesMost) {
    return;
  }
  const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                       [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
  release(oldest->second);
  entries_.erase(oldest);
}

void Graphs::start_over() {
  drop();
  thread_ = {};
}

void Graphs::drop() {
  current_ = nullptr;
  for (auto& [shape, entry] : entries_) {
    release(entry);
  }
}

}  // namespace gavel
