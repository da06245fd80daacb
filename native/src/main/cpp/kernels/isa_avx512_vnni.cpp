// The vector kernels for avx512_vnni; see CMakeLists.txt for the flags.
#define GAVEL_ISA avx512_vnni
#include "kernels/isa.inl"
