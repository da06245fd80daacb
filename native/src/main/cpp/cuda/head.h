// From hidden states on a device to what was asked for, and back to the host.
#pragma once

#include <cstdint>

#include "cuda/batch.h"
#include "cuda/products.h"
#include "cuda/weights.h"

namespace gavel {

class DeviceHead {
 public:
  DeviceHead(const Config& config, const Device& device, const DeviceWeights& weights, Products& products);

  // Makes room for a batch.
  void reserve(const DeviceBatch& batch);

  // Enqueues label head, sampler and the copies back; allocates nothing. hidden, normed: [outputs, hidden] of the
  // engine's type.
  void run(const DeviceBatch& batch, const void* hidden, const void* normed);

  // Writes the results; the device must have been waited for.
  void deliver(const Plan& plan, const DeviceBatch& batch, const gavel_outputs& outputs) const;

  int64_t workspace_bytes() const;

 private:
  // Where the results of a batch lie, in elements of four bytes.
  struct Results {
    int64_t label_log_probabilities;
    int64_t label_log_mass;
    int64_t tokens;
    int64_t log_probabilities;
    int64_t logits;  // on the host only
    int64_t end;
  };

  Results results(const BatchShape& shape) const;
  void score(const DeviceBatch& batch, const void* hidden, const void* normed);
  void sample(const DeviceBatch& batch);

  const Config& config_;
  const Device& device_;
  const DeviceWeights& weights_;
  Products& products_;
  const int64_t stride_;    // of a row of logits
  DeviceMemory workspace_;  // of the label head
  DeviceMemory logits_;     // [sampled and logit rows, stride] fp32
  DeviceMemory results_;
  DeviceMemory delivered_;  // pinned
};

}  // namespace gavel
