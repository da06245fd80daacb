// The vector kernels for avx2; see CMakeLists.txt for the flags.
#define GAVEL_ISA avx2
#include "kernels/isa.inl"
