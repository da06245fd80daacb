// NCCL of the host's model of a device.
#pragma once

#include "cuda/nccl.h"

gavel::nccl::Api nccl_on_host();
