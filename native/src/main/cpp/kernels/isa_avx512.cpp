// The vector kernels for avx512; see CMakeLists.txt for the flags.
#define GAVEL_ISA avx512
#include "kernels/isa.inl"
