// Weights, KV pool and workspace of one model on one device, whichever that is.
#pragma once

#include <cstdint>
#include <memory>

#include "gavel.h"
#include "model/labels.h"

namespace gavel {

class Engine {
 public:
  // The engine of the device that the config names. Fails with INVALID_ARGUMENT or UNAVAILABLE.
  static std::unique_ptr<Engine> create(const gavel_config& config);

  virtual ~Engine() = default;

  // See gavel_engine_set_tensor, gavel_engine_finish, gavel_engine_run, gavel_engine_info.
  virtual void set_tensor(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                          int64_t bytes) = 0;
  virtual void finish() = 0;
  virtual void run(const gavel_batch& batch, const Labels* labels, gavel_outputs& outputs) = 0;
  virtual void info(gavel_info& info) const = 0;

  // See gavel_labels_create.
  virtual std::unique_ptr<Labels> labels(int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
                                         const int32_t* form_tokens) const = 0;
};

}  // namespace gavel
