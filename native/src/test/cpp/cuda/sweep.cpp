#include "sweep.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "device/types.h"

namespace sweep {

namespace {

constexpr size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0x5A;
constexpr unsigned char kPoisonByte = 0xFF;  // NaN in every floating type, -1 in integers

const gavel_cuda_table* functions = nullptr;
void* queue = nullptr;

}  // namespace

const gavel_cuda_table& table() { return *functions; }
void* stream() { return queue; }

bool coin() { return random_int(0, 1) == 1; }

void expect_equal(const std::string& what, int64_t expected, int64_t found) {
  if (expected == found) {
    counted::expect(true, what);
    return;
  }
  counted::expect(false, what + ": expected " + std::to_string(expected) + ", found " + std::to_string(found));
}

void require(int32_t status, const char* what) {
  if (status != GAVEL_OK) {
    std::printf("FAILED %s: status %d, %s\n", what, status, functions->error());
    std::exit(1);
  }
}

void expect_refused(int32_t status, const std::string& words) {
  const std::string message = functions->error();
  counted::expect(status == GAVEL_INVALID_ARGUMENT && message.find(words) != std::string::npos,
                  "refusal: expected INVALID_ARGUMENT with \"" + words + "\", found status " + std::to_string(status) +
                      ": " + message);
}

uint16_t encode(int type, float value) {
  return type == GAVEL_CUDA_BF16 ? gavel::cuda::from_float<gavel::cuda::Bf16>(value).bits
                                 : gavel::cuda::from_float<gavel::cuda::Fp16>(value).bits;
}

float decode(int type, uint16_t bits) {
  return type == GAVEL_CUDA_BF16 ? gavel::cuda::to_float(gavel::cuda::Bf16{bits})
                                 : gavel::cuda::to_float(gavel::cuda::Fp16{bits});
}

vector<uint16_t> encode(int type, const vector<float>& values) {
  vector<uint16_t> bits;
  for (float value : values) {
    bits.push_back(encode(type, value));
  }
  return bits;
}

vector<float> decode(int type, const vector<uint16_t>& bits) {
  vector<float> values;
  for (uint16_t element : bits) {
    values.push_back(decode(type, element));
  }
  return values;
}

vector<float> rounded(int type, const vector<float>& values) { return decode(type, encode(type, values)); }

double rounding(int type, double value) {
  const bool bf16 = type == GAVEL_CUDA_BF16;
  return std::fabs(value) * (bf16 ? 0x1p-8 : 0x1p-11) + (bf16 ? 0x1p-126 : 0x1p-25);
}

std::string name(int type) { return type == GAVEL_CUDA_BF16 ? "bf16" : "fp16"; }

RawArray::RawArray(size_t bytes, const void* content) : bytes_(bytes) {
  void* block = nullptr;
  require(functions->allocate(bytes + 2 * kGuard, &block), "allocate");
  block_ = static_cast<char*>(block);
  data_ = block_ + kGuard;
  require(functions->fill(block_, kGuardByte, bytes + 2 * kGuard, queue), "fill");
  require(content == nullptr ? functions->fill(data_, kPoisonByte, bytes, queue)
                             : functions->copy(data_, content, bytes, queue),
          "content");
  require(functions->synchronize(queue), "content");
}

RawArray::~RawArray() { functions->release(block_); }

void RawArray::read(void* target) const {
  vector<unsigned char> all(bytes_ + 2 * kGuard);
  require(functions->copy(all.data(), block_, all.size(), queue), "read");
  require(functions->synchronize(queue), "kernel");
  bool whole = true;
  for (size_t i = 0; i < kGuard; i++) {
    whole &= all[i] == kGuardByte && all[kGuard + bytes_ + i] == kGuardByte;
  }
  counted::expect(whole, "a write outside an array");
  if (bytes_ > 0) {
    std::memcpy(target, all.data() + kGuard, bytes_);
  }
}

int run(const gavel_cuda_table& under_test, uint64_t seed) {
  functions = &under_test;
  counted::seed(seed);
  require(functions->create_stream(&queue), "stream");
  const struct {
    const char* name;
    void (*body)();
  } sweeps[] = {{"plan", sweep_plan},           {"types", sweep_types},       {"rms_norm", sweep_rms_norm},
                {"swiglu", sweep_swiglu},       {"quantize", sweep_quantize}, {"rope", sweep_rope},
                {"attention", sweep_attention}, {"decode", sweep_decode},     {"head", sweep_head},
                {"sampler", sweep_sampler},     {"paths", sweep_paths},       {"experts", sweep_experts}};
  for (const auto& one : sweeps) {
    const int checks_before = counted::checks();
    const int failures_before = counted::failures();
    const std::clock_t start = std::clock();
    one.body();
    std::printf("%-10s %8d checks, %d failed, %.1f s of processor time\n", one.name, counted::checks() - checks_before,
                counted::failures() - failures_before, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  functions->release_stream(queue);
  std::printf("%d checks, %d failed\n", counted::checks(), counted::failures());
  return counted::failures() == 0 ? 0 : 1;
}

}  // namespace sweep
