// The entries of the function table that are not kernels; see gavel_cuda.h.
#pragma once

#include "gavel_cuda.h"

namespace gavel::cuda {

int32_t device_count(int32_t* count);
int32_t device_info(int32_t device, gavel_cuda_device* info);
int32_t use_device(int32_t device);
int32_t allocate(size_t bytes, void** memory);
int32_t release(void* memory);
int32_t allocate_pinned(size_t bytes, void** memory);
int32_t release_pinned(void* memory);
int32_t copy(void* to, const void* from, size_t bytes, void* stream);
int32_t fill(void* memory, int32_t byte, size_t bytes, void* stream);
int32_t create_stream(void** stream);
int32_t release_stream(void* stream);
int32_t synchronize(void* stream);
int32_t begin_graph(void* stream);
int32_t end_graph(void* stream, void** graph);
int32_t launch_graph(void* graph, void* stream);
int32_t release_graph(void* graph);
int32_t create_mark(void** mark);
int32_t record_mark(void* mark, void* stream);
int32_t seconds_between(void* first, void* second, double* seconds);
int32_t release_mark(void* mark);

}  // namespace gavel::cuda
