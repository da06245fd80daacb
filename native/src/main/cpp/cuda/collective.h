// Sums over the ranks of a model that is dealt out over several devices.
#pragma once

#include <cstdint>

#include "gavel.h"
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

  // Enqueues data[i] = sum over the ranks of data[i]. Fails with UNAVAILABLE where a rank is lost.
  virtual void sum(const Terms& terms, void* stream) = 0;

  // Fails with UNAVAILABLE where what was enqueued, and has been waited for, was not summed.
  virtual void require_whole() = 0;
};

// gavel_config.all_reduce
class CallbackCollective : public Collective {
 public:
  CallbackCollective(gavel_all_reduce function, void* context) : function_(function), context_(context) {}

  void sum(const Terms& terms, void* stream) override {
    const int32_t status = function_(context_, terms.data, terms.elements, terms.dtype, stream);
    if (status != GAVEL_OK) {
      fail(GAVEL_UNAVAILABLE, "ranks: expected a sum over all ranks, found that all_reduce failed with status %d",
           status);
    }
  }

  // A sum that was promised and not delivered fails on the stream.
  void require_whole() override {}

 private:
  const gavel_all_reduce function_;
  void* const context_;
};

}  // namespace gavel
