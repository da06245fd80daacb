// Weights, KV pool and workspace of one model on one device, whichever that is.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "gavel.h"
#include "model/config.h"
#include "model/labels.h"
#include "model/plan.h"

namespace gavel {

class Engine {
 public:
  // The engine of the device that the config names. Fails with INVALID_ARGUMENT or UNAVAILABLE.
  static std::unique_ptr<Engine> create(const gavel_config& config);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  // See gavel_engine_set_tensor, gavel_engine_add_sample, gavel_engine_finish, gavel_engine_run, gavel_engine_info.
  void set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data, int64_t bytes);
  void add_sample(const int32_t* tokens, int count);
  void finish();
  void run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs);
  void info(gavel_info& info) const;

  // See gavel_labels_create.
  std::unique_ptr<Labels> labels(int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
                                 const int32_t* form_tokens) const;

  // Batches that were recorded to be launched again: held now, launched and failed to be recorded so far.
  struct GraphCounts {
    int64_t held;
    int64_t replays;
    int64_t failures;
  };

 protected:
  // What a device holds for the model.
  struct Sizes {
    int64_t parameters;  // of the whole model, where it is dealt out
    int64_t weight_bytes;
    int64_t kv_bytes;  // these two are 0 until finished
    int64_t kv_bytes_per_token;
  };

  explicit Engine(const Config& config) : config_(config) {}

  const Config config_;
  std::vector<std::vector<int32_t>> samples_;  // prompts like those to come, as far as they are known

 private:
  // A device's part of the functions above; their preconditions hold.
  virtual void take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                    int64_t bytes) = 0;
  virtual void build() = 0;
  virtual void compute(Plan& plan, gavel_outputs& outputs) = 0;
  virtual void prepare(Labels& labels) const = 0;
  virtual Sizes sizes() const = 0;
  virtual int64_t workspace_bytes() const = 0;
  virtual GraphCounts graphs() const { return {}; }
  // What makes results infinite or NaN that need not be, as the end of a message.
  virtual const char* overflow_hint() const { return ""; }

  void require_finished() const;
  void require_finite(const gavel_outputs& outputs) const;

  Plan plan_;
  bool finished_ = false;
  std::atomic<int64_t> workspace_bytes_{0};
  std::atomic<int64_t> batches_{0};
  std::atomic<int64_t> tokens_{0};
  std::atomic<int64_t> cancelled_batches_{0};
};

}  // namespace gavel
