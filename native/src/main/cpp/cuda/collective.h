// Sums over the ranks of a model that is dealt out over several devices.
#pragma once

#include <cstdint>

#include "cuda/device.h"
#include "support/error.h"

namespace gavel {

// One rank's end. All ranks must ask for the same sums in the same order, and get the same bits.
class Collective {
 public:
  struct Terms {
    void* data;  // on the rank's device
    int64_t elements;
    int32_t dtype;  // gavel_dtype
  };

  virtual ~Collective() = default;

  // data[i] = sum over the ranks of data[i], in the order of the device's stream: enqueued, or done on return.
  // Fails with UNAVAILABLE where a rank is lost.
  virtual void sum(const Terms& terms, const Device& device) = 0;

  // Fails with UNAVAILABLE where what was enqueued, and has been waited for, was not summed.
  virtual void require_whole() = 0;
};

// gavel_config.all_reduce; waits for the stream first.
class CallbackCollective : public Collective {
 public:
  CallbackCollective(gavel_all_reduce function, void* context) : function_(function), context_(context) {}

  void sum(const Terms& terms, const Device& device) override {
    device.synchronize();
    const int32_t status = function_(context_, terms.data, terms.elements, terms.dtype, device.stream());
    if (status != GAVEL_OK) {
      fail(GAVEL_UNAVAILABLE, "ranks: expected a sum over all ranks, found that all_reduce failed with status %d",
           status);
    }
  }

  void require_whole() override {}  // its status has said so

 private:
  const gavel_all_reduce function_;
  void* const context_;
};

}  // namespace gavel
