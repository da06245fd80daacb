// The vector kernels for avx512_bf16; see CMakeLists.txt for the flags.
#define GAVEL_ISA avx512_bf16
#include "kernels/isa.inl"
