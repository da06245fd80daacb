// The engine on a CUDA device: weights, activations, keys and values in bf16.
#pragma once

#include <atomic>
#include <memory>

#include "cuda/batch.h"
#include "cuda/device.h"
#include "cuda/forward.h"
#include "cuda/head.h"
#include "cuda/products.h"
#include "cuda/weights.h"
#include "model/engine.h"

namespace gavel {

class DeviceEngine : public Engine {
 public:
  // Fails with INVALID_ARGUMENT where the kernels do not have the model's shape.
  DeviceEngine(const gavel_config& config, const gavel_cuda_table& functions, std::unique_ptr<Products> products);

  void set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                  int64_t bytes) override;
  void finish() override;
  void run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs) override;
  void info(gavel_info& info) const override;
  std::unique_ptr<Labels> labels(int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
                                 const int32_t* form_tokens) const override;

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

  void require_finished() const;
  void enqueue();

  Config config_;
  Device device_;
  std::unique_ptr<Products> products_;
  DeviceWeights weights_;
  DeviceBatch batch_;
  Marks marks_;
  Plan plan_;
  std::unique_ptr<DeviceForward> forward_;  // null until finished
  std::unique_ptr<DeviceHead> head_;
  std::atomic<int64_t> workspace_bytes_{0};
  std::atomic<int64_t> batches_{0};
  std::atomic<int64_t> tokens_{0};
  std::atomic<int64_t> cancelled_batches_{0};
};

}  // namespace gavel
