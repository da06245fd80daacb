// What the sweeps of the CUDA kernels share: a table of functions to test, its memory, checks.
//
// The same sweeps run on the host's model of a device and on a device. Outputs are poisoned beforehand and lie
// between guards. Tolerances are error bounds: kUnit is the unit roundoff of fp32; sums of n products are off by
// at most n kUnit times the sum of their magnitudes, whatever their order.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "counted.h"
#include "gavel_cuda.h"

namespace sweep {

using counted::expect_near;
using counted::random_int;
using counted::randoms;
using std::vector;

constexpr double kUnit = 0x1p-24;
constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

// The table under test and the stream its kernels run on.
const gavel_cuda_table& table();
void* stream();

bool coin();

void expect_equal(const std::string& what, int64_t expected, int64_t found);
// A call that must succeed; ends the run if it does not.
void require(int32_t status, const char* what);
// A call that must be refused with a message that holds the words.
void expect_refused(int32_t status, const std::string& words);

// 16-bit types by their gavel_cuda_type.
uint16_t encode(int type, float value);
float decode(int type, uint16_t bits);
vector<uint16_t> encode(int type, const vector<float>& values);
vector<float> decode(int type, const vector<uint16_t>& bits);
// Values as they are after a round trip through the type.
vector<float> rounded(int type, const vector<float>& values);
// What rounding to the type may move a value by.
double rounding(int type, double value);
std::string name(int type);

// Device memory between guards.
class RawArray {
 public:
  RawArray(size_t bytes, const void* content);  // poisoned where content is null
  RawArray(const RawArray&) = delete;
  RawArray& operator=(const RawArray&) = delete;
  ~RawArray();
  void* data() const { return data_; }
  void read(void* target) const;  // after all that is enqueued; checks the guards

 private:
  size_t bytes_;
  char* block_ = nullptr;
  void* data_ = nullptr;
};

template <typename E>
class Array {
 public:
  explicit Array(size_t count) : count_(count), raw_(count * sizeof(E), nullptr) {}
  explicit Array(const vector<E>& values) : count_(values.size()), raw_(count_ * sizeof(E), values.data()) {}
  E* data() const { return static_cast<E*>(raw_.data()); }
  vector<E> read() const {
    vector<E> values(count_);
    raw_.read(values.data());
    return values;
  }

 private:
  size_t count_;
  RawArray raw_;
};

// The sweeps, by file.
void sweep_plan();
void sweep_types();
void sweep_rms_norm();
void sweep_swiglu();
void sweep_quantize();
void sweep_rope();
void sweep_attention();
void sweep_decode();
void sweep_head();
void sweep_sampler();
void sweep_paths();
void sweep_experts();

// Runs all sweeps on the table; 0 if no check failed.
int run(const gavel_cuda_table& functions, uint64_t seed);

}  // namespace sweep
