// The avx2_vnni kernels once more, with AVX-VNNI's byte dot product replaced by its twin of AVX-512 VNNI and VL:
// the same operation, encoded otherwise. So a processor that has the one and not the other runs their source.
#include <immintrin.h>

#undef __AVX512F__
#undef __AVX512BW__
#undef __AVX512DQ__
#undef __AVX512VL__
#undef __AVX512VNNI__
#define __AVXVNNI__ 1
#define _mm256_dpbusd_avx_epi32 _mm256_dpbusd_epi32

#define GAVEL_ISA avx2_vnni_evex
#include "kernels/isa.inl"
