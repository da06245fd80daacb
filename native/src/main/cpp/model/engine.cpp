#include "model/engine.h"

#include "cuda.h"
#include "cuda/engine.h"
#include "libtorch.h"
#include "model/cpu_engine.h"

namespace gavel {

std::unique_ptr<Engine> Engine::create(const gavel_config& config) {
  if (config.device_type != GAVEL_CUDA) {
    return std::make_unique<CpuEngine>(config);
  }
  const gavel_cuda_table& functions = cuda::open(config.device_index);
  return std::make_unique<DeviceEngine>(config, functions, libtorch::products(config.device_index));
}

}  // namespace gavel
