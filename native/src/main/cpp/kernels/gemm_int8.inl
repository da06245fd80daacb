// See gemm_int8.h. The store is gemm_f32.inl's.

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
constexpr int kGroup = 4;
constexpr int kWeightOffset = 128;
#else
constexpr int kGroup = 2;
constexpr int kWeightOffset = 0;
#endif
constexpr int kWeightBytes = kLanes * kGroup;  // of a vector's columns in one k group

// One vector of packed weights, widened as the dot product wants it.
#if defined(__AVX512VNNI__)
using WeightVec = __m512i;
inline WeightVec load_weights(const int8_t* p) { return _mm512_loadu_si512(p); }
inline IntVec dot(IntVec sums, WeightVec weights, int32_t group) {
  return reinterpret_cast<IntVec>(
      _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sums), weights, _mm512_set1_epi32(group)));
}
#elif defined(__AVXVNNI__)
using WeightVec = __m256i;
inline WeightVec load_weights(const int8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline IntVec dot(IntVec sums, WeightVec weights, int32_t group) {
  return reinterpret_cast<IntVec>(
      _mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sums), weights, _mm256_set1_epi32(group)));
}
#elif defined(__AVX512BW__)
using WeightVec = __m512i;
inline WeightVec load_weights(const int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline IntVec dot(IntVec sums, WeightVec weights, int32_t group) {
  return sums + reinterpret_cast<IntVec>(_mm512_madd_epi16(weights, _mm512_set1_epi32(group)));
}
#elif defined(__AVX2__)
using WeightVec = __m256i;
inline WeightVec load_weights(const int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline IntVec dot(IntVec sums, WeightVec weights, int32_t group) {
  return sums + reinterpret_cast<IntVec>(_mm256_madd_epi16(weights, _mm256_set1_epi32(group)));
}
#else
struct WeightVec {
  IntVec even, odd;
};
inline WeightVec load_weights(const int8_t* p) {
  WeightVec weights;
  for (int i = 0; i < kLanes; i++) {
    weights.even[i] = p[2 * i];
    weights.odd[i] = p[2 * i + 1];
  }
  return weights;
}
inline IntVec dot(IntVec sums, WeightVec weights, int32_t group) {
  return sums + weights.even * static_cast<int32_t>(static_cast<int16_t>(group)) + weights.odd * (group >> 16);
}
#endif

// The dword of one row's k group.
inline int32_t pack_group(const int32_t* values) {
  if (kGroup == 4) {
    return (values[0] & 255) | (values[1] & 255) << 8 | (values[2] & 255) << 16 |
           static_cast<int32_t>(static_cast<uint32_t>(values[3]) << 24);
  }
  return (values[0] & 65535) | static_cast<int32_t>(static_cast<uint32_t>(values[1]) << 16);
}

inline int dwords_of(const Int8Inputs& inputs) { return (inputs.rounded() + kGroup - 1) / kGroup; }

// values += outliers * their weights in fp32, one outlier after the other.
template <int rows>
inline void add_outliers(Vec (&values)[rows][2], const float* x, const float* w, int outliers) {
  for (int o = 0; o < outliers; o++) {
    const Vec w0 = load(w);
    const Vec w1 = load(w + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      values[r][0] += splat(x[r]) * w0;
      values[r][1] += splat(x[r]) * w1;
    }
    x += rows;
    w += kPanel;
  }
}

// One tile by one panel; `a` and `out` begin at the tile.
template <int rows>
void gemm_int8_tile(const GemmInt8& args, const GemmF32& store_args, const Int8Rows& tile, float* out, int panel) {
  const int dwords = dwords_of(args.inputs);
  const int32_t* a = tile.packed;
  const int8_t* b = args.packed_weights + static_cast<int64_t>(panel) * dwords * 2 * kWeightBytes;
  IntVec sums[rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    sums[r][0] = sums[r][1] = IntVec{} + tile.sums[r];
  }
  for (int k = 0; k < dwords; k++) {
    const WeightVec b0 = load_weights(b);
    const WeightVec b1 = load_weights(b + kWeightBytes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      sums[r][0] = dot(sums[r][0], b0, a[r]);
      sums[r][1] = dot(sums[r][1], b1, a[r]);
    }
    a += rows;
    b += 2 * kWeightBytes;
  }
  const float* scales = args.column_scales + static_cast<int64_t>(panel) * kPanel;
  const Vec scale0 = load(scales);
  const Vec scale1 = load(scales + kLanes);
  Vec values[rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    const Vec row_scale = splat(tile.scales[r]);
    values[r][0] = __builtin_convertvector(sums[r][0], Vec) * row_scale * scale0;
    values[r][1] = __builtin_convertvector(sums[r][1], Vec) * row_scale * scale1;
  }
  const int outliers = args.inputs.outliers;
  add_outliers<rows>(values, tile.outliers, args.outlier_weights + static_cast<int64_t>(panel) * outliers * kPanel,
                     outliers);
  store_tile<rows>(values, out, store_args, panel);
}

using GemmInt8Tile = void (*)(const GemmInt8&, const GemmF32&, const Int8Rows&, float*, int);

template <int... rows>
constexpr GemmInt8Tile gemm_int8_tile_of(int count, std::integer_sequence<int, rows...>) {
  constexpr GemmInt8Tile tiles[] = {gemm_int8_tile<rows + 1>...};
  return tiles[count - 1];
}

void gemm_int8(const GemmInt8& args) {
  const GemmF32 store_args = {nullptr,      args.rows, 0,           nullptr,       args.panel_begin, args.panel_end,
                              args.columns, args.out,  args.stride, args.epilogue, args.bias};
  const int dwords = dwords_of(args.inputs);
  const int rest = args.rows % kTile;
  const GemmInt8Tile last = rest == 0 ? nullptr : gemm_int8_tile_of(rest, std::make_integer_sequence<int, kTile>());
  for (int panel = args.panel_begin; panel < args.panel_end; panel++) {
    int first = 0;
    for (; first + kTile <= args.rows; first += kTile) {
      gemm_int8_tile<kTile>(args, store_args, args.a.from(first, args.inputs, dwords), args.out + first * args.stride,
                            panel);
    }
    if (last != nullptr) {
      last(args, store_args, args.a.from(first, args.inputs, dwords), args.out + first * args.stride, panel);
    }
  }
}

// The sign of each lane's own value in a butterfly of lanes `half` apart.
struct ButterflySigns {
  float lanes[kLanes];

  constexpr explicit ButterflySigns(int half) : lanes{} {
    for (int i = 0; i < kLanes; i++) {
      lanes[i] = (i & half) == 0 ? 1.0f : -1.0f;
    }
  }
};

template <int half>
inline Vec butterflies(Vec v) {
  if constexpr (half == 0) {
    return v;
  } else {
    static constexpr ButterflySigns kSigns(half);
    return butterflies<half / 2>(swapped<half>(v) + v * load(kSigns.lanes));
  }
}

// The fast Walsh-Hadamard transform of `vectors` vectors, orthonormal, in registers; returns the larger
// of `most` and the magnitudes, per lane.
template <int vectors>
inline Vec hadamard_vectors(float* x, Vec most) {
  Vec v[vectors];
#pragma GCC unroll 16
  for (int i = 0; i < vectors; i++) {
    v[i] = load(x + i * kLanes);
  }
#pragma GCC unroll 4
  for (int half = vectors / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < vectors; i++) {
      if ((i & half) == 0) {
        const Vec sum = v[i] + v[i + half];
        v[i + half] = v[i] - v[i + half];
        v[i] = sum;
      }
    }
  }
  const Vec norm = splat(1.0f / __builtin_sqrtf(static_cast<float>(vectors * kLanes)));
#pragma GCC unroll 16
  for (int i = 0; i < vectors; i++) {
    v[i] = butterflies<kLanes / 2>(v[i]) * norm;
    store(x + i * kLanes, v[i]);
    most = maximum(most, maximum(v[i], -v[i]));
  }
  return most;
}

// Blocks narrower than a vector, or of any other size.
inline void hadamard_scalar(float* x, int size) {
  for (int half = size / 2; half > 0; half /= 2) {
    for (int i = 0; i < size; i++) {
      if ((i & half) == 0) {
        const float a = x[i];
        x[i] = a + x[i + half];
        x[i + half] = a - x[i + half];
      }
    }
  }
  const float norm = 1.0f / __builtin_sqrtf(static_cast<float>(size));
  for (int i = 0; i < size; i++) {
    x[i] *= norm;
  }
}

inline float largest(const float* x, int k) {
  Vec most = {};
  int i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    const Vec v = load(x + i);
    most = maximum(most, maximum(v, -v));
  }
  float result = max_lanes(most);
  for (; i < k; i++) {
    const float magnitude = x[i] < 0 ? -x[i] : x[i];
    result = magnitude > result ? magnitude : result;
  }
  return result;
}

template <int vectors>
float hadamard_row(float* x, int k) {
  Vec most = {};
  for (int begin = 0; begin < k; begin += vectors * kLanes) {
    most = hadamard_vectors<vectors>(x + begin, most);
  }
  return max_lanes(most);
}

// Transforms a row in blocks; returns its largest magnitude.
inline float hadamard_row(float* x, int k, int block) {
  switch (block / kLanes) {
    case 1:
      return hadamard_row<1>(x, k);
    case 2:
      return hadamard_row<2>(x, k);
    case 4:
      return hadamard_row<4>(x, k);
    case 8:
      return hadamard_row<8>(x, k);
    case 16:
      return hadamard_row<16>(x, k);
    default:
      for (int begin = 0; begin < k; begin += block) {
        hadamard_scalar(x + begin, block);
      }
      return largest(x, k);
  }
}

// Writes row `row` of a tile of `rows`; returns the sum of its quantized values.
inline int32_t quantize_row(const float* x, int k, float inverse, int32_t* packed, int row, int rows) {
  IntVec sums = {};
  int i = 0;
  int32_t* target = packed + row;
#if defined(__FMA__)  // x * inverse is rounded once, to the integer
  for (; i + kLanes <= k; i += kLanes) {
    const IntVec q = reinterpret_cast<IntVec>(load(x + i) * splat(inverse) + splat(kRounder)) - kRounderBits;
    sums += q;
    int32_t groups[kLanes / kGroup];
#if defined(__AVX512BW__)
    if (kGroup == 4) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(groups), _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(q)));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(groups), _mm512_cvtepi32_epi16(reinterpret_cast<__m512i>(q)));
    }
#else
    int32_t lanes[kLanes];
    std::memcpy(lanes, &q, sizeof lanes);
    for (int g = 0; g < kLanes / kGroup; g++) {
      groups[g] = pack_group(lanes + g * kGroup);
    }
#endif
    for (int g = 0; g < kLanes / kGroup; g++) {
      *target = groups[g];
      target += rows;
    }
  }
#endif
  int32_t sum = 0;
  for (int lane = 0; lane < kLanes; lane++) {
    sum += sums[lane];
  }
  for (; i < k; i += kGroup) {
    int32_t lanes[kGroup] = {};
    for (int j = 0; j < kGroup && i + j < k; j++) {
      lanes[j] = static_cast<int32_t>(__builtin_rint(static_cast<double>(x[i + j]) * inverse));
      sum += lanes[j];
    }
    *target = pack_group(lanes);
    target += rows;
  }
  return sum;
}

void quantize_rows(const QuantizeRows& args) {
  const Int8Inputs& inputs = args.inputs;
  const int dwords = dwords_of(inputs);
  for (int r = 0; r < args.count; r++) {
    const float norm = args.epsilon < 0 ? 1.0f : inverse_rms(args.rows[r], inputs.k, args.epsilon);
    const int tile = r / kTile * kTile;
    const int rows = args.count - tile < kTile ? args.count - tile : kTile;
    const Int8Rows out = args.out.from(tile, inputs, dwords);
    for (int o = 0; o < inputs.outliers; o++) {
      out.outliers[o * rows + r - tile] = args.rows[r][o] * norm;
    }
    float* x = args.rows[r] + inputs.outliers;
    const int k = inputs.rounded();
    const float most = args.hadamard > 0 ? hadamard_row(x, k, args.hadamard) : largest(x, k);
    const float inverse = most > 0 ? 127.0f / most : 0.0f;
    out.sums[r - tile] = -kWeightOffset * quantize_row(x, k, inverse, out.packed, r - tile, rows);
    out.scales[r - tile] = most / 127.0f * norm;
  }
}
