// The host's model of a device as a libgavel_cuda.so, for tests above the seam: the engine takes it where GAVEL_CUDA
// names its folder. It brings its own matrix products, so there is no LibTorch.
#include "gavel.h"
#include "host_products.h"

extern "C" GAVEL_API gavel::Products* gavel_cuda_products() { return new PlainProducts(); }
