// The vector kernels for avx2_vnni; see CMakeLists.txt for the flags.
#define GAVEL_ISA avx2_vnni
#include "kernels/isa.inl"
