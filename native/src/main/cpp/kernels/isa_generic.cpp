// The vector kernels for generic; see CMakeLists.txt for the flags.
#define GAVEL_ISA generic
#include "kernels/isa.inl"
