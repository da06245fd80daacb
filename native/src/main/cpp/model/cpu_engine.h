// The engine on the CPU.
#pragma once

#include <atomic>
#include <memory>

#include "gavel.h"
#include "model/config.h"
#include "model/engine.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/plan.h"

namespace gavel {

class CpuEngine : public Engine {
 public:
  explicit CpuEngine(const gavel_config& config);

  void set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                  int64_t bytes) override;
  void finish() override;
  void run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs) override;
  void info(gavel_info& info) const override;
  std::unique_ptr<Labels> labels(int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
                                 const int32_t* form_tokens) const override;

 private:
  void require_finished() const;

  Config config_;
  const Kernels& kernels_;
  ThreadPool pool_;
  Weights weights_;
  Plan plan_;
  std::unique_ptr<KeyValues> key_values_;  // null until finished
  std::unique_ptr<Forward> forward_;
  std::unique_ptr<Head> head_;
  std::atomic<int64_t> workspace_bytes_{0};
  std::atomic<int64_t> batches_{0};
  std::atomic<int64_t> tokens_{0};
  std::atomic<int64_t> cancelled_batches_{0};
};

}  // namespace gavel
