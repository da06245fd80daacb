// Streams, graphs and memory of the host's model of a device, behind the entries of the function table (runtime.h) that
// copy, fill, wait and record. Copies and fills are checked against the allocations that they touch.
//
// A stream lags behind the host. What is enqueued waits; every call of the function table lets a random part of it
// run, in order, and synchronize the rest. So host memory that is written too early, or read before it is there,
// shows in the results, whichever way a device would be late. Between begin_graph and end_graph nothing runs: work is
// recorded with the arguments that it was given, and a launch of the graph runs it on what memory holds by then.
//
// Any thread may drive a stream; a recording concerns the thread that began it.
//
// Memory is poisoned when it is allocated and when it is released, and released memory is kept for a while, so a graph
// that still names it computes with poison; a write to it ends the process with a message.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gavel::cuda::host {

// What runs when is drawn from this seed; enqueue itself is declared in host_model.h, for the launches of kernels.
void seed_streams(uint64_t value);

// Launches of graphs since the start.
int64_t graph_launches();

// Work that ran later than the call that enqueued it, since the start.
int64_t late_work();

// The memory of an address and what lies behind it.
enum class Place { kDevice, kPinned, kElsewhere };

int32_t allocate(size_t bytes, Place place, void** memory);
int32_t release(void* memory);

// Fails, and spoils the graph, where one is being recorded: a device does not do this then.
int32_t refuse_while_recording(const char* what);

}  // namespace gavel::cuda::host
