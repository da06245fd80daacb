// Opens a built libgavel_cuda.so for the programs that need a device.
#pragma once

#include "gavel_cuda.h"

// Ends the process with 1, after saying why, where the library is not one of ours; with 77 and the word "skipped"
// where there is no device.
const gavel_cuda_table& open_library(const char* file);
