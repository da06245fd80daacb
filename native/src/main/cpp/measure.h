// The machine's ceilings, measured: what a request could take at best.
#pragma once

#include <cstdint>

namespace gavel {

// See gavel_measure_gemm and gavel_measure_bandwidth.
double measure_gemm(int32_t provider, int32_t quantization, int threads, int m, int n, int k, double seconds);
double measure_bandwidth(int threads, int64_t buffer_bytes, double seconds);

// See gavel_measure_device_gemm and gavel_measure_device_copy.
double measure_device_gemm(int32_t device, int32_t quantization, int m, int n, int k, double seconds);
double measure_device_copy(int32_t device, int64_t bytes, double seconds);

}  // namespace gavel
