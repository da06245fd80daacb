// The engine on the CPU.
#pragma once

#include <memory>

#include "model/engine.h"
#include "model/forward.h"
#include "model/head.h"

namespace gavel {

class CpuEngine : public Engine {
 public:
  explicit CpuEngine(const gavel_config& config);

 private:
  void take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
            int64_t bytes) override;
  void build() override;
  void compute(Plan& plan, gavel_outputs& outputs) override;
  void prepare(Labels& labels) const override;
  Sizes sizes() const override;
  int64_t workspace_bytes() const override;
  void round_weights(KeyValues& key_values);

  const Kernels& kernels_;
  ThreadPool pool_;
  Weights weights_;
  std::unique_ptr<KeyValues> key_values_;  // null until finished
  std::unique_ptr<Forward> forward_;
  std::unique_ptr<Head> head_;
};

}  // namespace gavel
