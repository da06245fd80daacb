// The engine on a CUDA device, in bf16, fp16 or FP8; see Precision. Of a model that is dealt out over ranks it computes
// the part of one; its results are those of the whole.
#pragma once

#include <memory>

#include "cuda/batch.h"
#include "cuda/collective.h"
#include "cuda/device.h"
#include "cuda/forward.h"
#include "cuda/graphs.h"
#include "cuda/head.h"
#include "cuda/products.h"
#include "cuda/weights.h"
#include "model/engine.h"

namespace gavel {

class DeviceEngine : public Engine {
 public:
  // Fails with INVALID_ARGUMENT where the kernels do not have the model's shape, with UNAVAILABLE where the device
  // does not compute in FP8. collective: null for the whole model.
  DeviceEngine(const gavel_config& config, const gavel_cuda_table& functions, std::unique_ptr<Products> products,
               std::shared_ptr<Collective> collective = nullptr);

  void prepare(Labels& labels) const override;
  Sizes sizes() const override;
  int64_t workspace_bytes() const override;
  GraphCounts graphs() const override { return graphs_.counts(); }

  const gavel_cuda_device& properties() const { return device_.properties(); }
  // Makes its device the calling thread's.
  void use() const { device_.use(); }

 private:
  // Points on the stream between which the device's time is taken.
  struct Marks {
    explicit Marks(const Device& device);
    Marks(const Marks&) = delete;
    Marks& operator=(const Marks&) = delete;
    ~Marks();
    void record(int mark) const;
    double seconds(int from) const;  // to the next mark

    const Device& device;
    void* at[3] = {};
  };

  void take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
            int64_t bytes) override;
  void build() override;
  void compute(Plan& plan, gavel_outputs& outputs) override;
  const char* overflow_hint() const override;

  void enqueue(Plan& plan);
  void sum_once() const;

  const Config part_;  // what this device computes
  const std::shared_ptr<Collective> collective_;
  Device device_;
  std::unique_ptr<Products> products_;
  DeviceWeights weights_;
  DeviceBatch batch_;
  Marks marks_;
  std::unique_ptr<DeviceForward> forward_;  // null until finished
  std::unique_ptr<DeviceHead> head_;
  Graphs graphs_;
};

}  // namespace gavel
