// See attention.h, bf16. With the instruction, a product of pairs adds its upper halves first, then
// its lower ones. Keys hold coordinate pairs. Values are paired by the parity of their position, the
// even one above, and a pair that spans cut in two has a zero for the other: the sum stays the same.

inline Vec wide(IntVec halves) { return reinterpret_cast<Vec>(halves << 16); }

typedef uint16_t Halves __attribute__((vector_size(kLanes * 2)));

inline Vec load_bf16(const Bfloat16* p) {
  Halves halves;
  std::memcpy(&halves, p, sizeof halves);
  return wide(__builtin_convertvector(halves, IntVec));
}

inline float to_float(Bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The upper halves of fp32, rounded to nearest even, in the low halves of the lanes.
inline IntVec round_bf16(Vec x) {
  const IntVec bits = reinterpret_cast<IntVec>(x);
  return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 & 0xFFFF;
}

// sums += upper * upper, then lower * lower, of each lane's pair with the broadcast pair.
inline Vec dot_pairs(Vec sums, IntVec pairs, int32_t pair) {
#if defined(__AVX512BF16__)
  const __m512i a = reinterpret_cast<__m512i>(pairs);
  const __m512i b = _mm512_set1_epi32(pair);
  return reinterpret_cast<Vec>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sums), (__m512bh)a, (__m512bh)b));
#else
  float upper;
  float lower;
  const int32_t upper_bits = static_cast<int32_t>(static_cast<uint32_t>(pair) & 0xFFFF0000u);
  const int32_t lower_bits = static_cast<int32_t>(static_cast<uint32_t>(pair) << 16);
  std::memcpy(&upper, &upper_bits, sizeof upper);
  std::memcpy(&lower, &lower_bits, sizeof lower);
  const Vec high = reinterpret_cast<Vec>(pairs & static_cast<int32_t>(0xFFFF0000u));
  sums += high * splat(upper);
  return sums + wide(pairs) * splat(lower);
#endif
}

template <int rows>
inline void score_span_bf16(const Attention<Bfloat16>& args, int first, const KeySpan<Bfloat16>& span,
                            int64_t position) {
  Vec sums[rows][kKeyVectors] = {};
  const Bfloat16* keys = span.keys;
  for (int d = 0; d < args.head_dim; d += 2) {
    IntVec key[kKeyVectors];
    std::memcpy(key, keys, sizeof key);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      int32_t query;
      std::memcpy(&query, args.queries[first + r] + d, sizeof query);
      for (int v = 0; v < kKeyVectors; v++) {
        sums[r][v] = dot_pairs(sums[r][v], key[v], query);
      }
    }
    keys += 2 * span.key_stride;
  }
  for (int r = 0; r < rows; r++) {
    float* scores = args.scores + (first + r) * args.score_stride + position;
    for (int v = 0; v < kKeyVectors; v++) {
      store(scores + v * kLanes, sums[r][v] * splat(args.scale));
    }
  }
}

template <int rows>
void score_rows_bf16(const Attention<Bfloat16>& args, int first, int keys) {
  int position = 0;
  for (const KeySpan<Bfloat16>* span = args.spans; position < keys; span++) {
    score_span_bf16<rows>(args, first, *span, position);
    position += span->count;
  }
}

// e^x for x <= 0 to 8e-6, where rounding to bf16 changes up to 2e-3: Taylor's polynomial of degree 5 (next term below
// 2.5e-6), and ln(2) in one piece (4e-6 for the smallest weights).
inline Vec exp_to_bf16(Vec x) {
  x = maximum(x, splat(-87.3f));
  const Vec sum = x * splat(1.44269504f) + splat(kRounder);
  const Vec r = x - (sum - splat(kRounder)) * splat(0.693147181f);
  Vec p = splat(1.0f / 120);
  p = p * r + splat(1.0f / 24);
  p = p * r + splat(1.0f / 6);
  p = p * r + splat(0.5f);
  p = p * r + splat(1.0f);
  p = p * r + splat(1.0f);
  return p * power_of_two(sum);
}

// Stores the first `count` lanes as bf16, the others as 0, with the even one of each pair above; returns what was
// stored.
inline Vec store_weights(Bfloat16* p, Vec weights, int count) {
#if defined(__AVX512BF16__)
  const __mmask16 some = static_cast<__mmask16>(count >= kLanes ? 0xFFFF : count > 0 ? (1 << count) - 1 : 0);
  const __m256i halves = (__m256i)_mm512_maskz_cvtneps_pbh(some, reinterpret_cast<__m512>(weights));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_rol_epi32(halves, 16));
  return wide(reinterpret_cast<IntVec>(_mm512_cvtepu16_epi32(halves)));
#else
  typedef uint32_t Pairs __attribute__((vector_size(kLanes * 2)));
  const IntVec weight = round_bf16(weights) & lanes_below(count);
  const Halves halves = __builtin_convertvector(weight, Halves);
  const Pairs pairs = reinterpret_cast<Pairs>(halves) << 16 | reinterpret_cast<Pairs>(halves) >> 16;
  std::memcpy(p, &pairs, sizeof pairs);
  return wide(weight);
#endif
}

// Turns a row of scores into bf16 weights in place, as pairs with the even position above: weight p is
// halfword p ^ 1 of the row. Those from `visible` on become 0, up to `padded`. Returns 1 / their sum.
inline float softmax_row_bf16(float* scores, int visible, int padded) {
  for (int i = visible; i < padded; i++) {
    scores[i] = -1e30f;
  }
  Vec highest = splat(-1e30f);
  for (int i = 0; i < padded; i += kLanes) {
    highest = maximum(highest, load(scores + i));
  }
  const Vec top = splat(max_lanes(highest));
  Bfloat16* weights = reinterpret_cast<Bfloat16*>(scores);
  Vec sums = {};
  for (int i = 0; i < padded; i += kLanes) {
    sums += store_weights(weights + i, exp_to_bf16(load(scores + i) - top), visible - i);  // below what is still read
  }
  return 1.0f / sum_lanes(sums);
}

#if defined(__AVX512BF16__)

// Interleaves 32 coordinates of two values: lane pairs with `even` above and `odd` below.
struct ValuePairs {
  IntVec low, high;  // coordinates 0 to 15, 16 to 31
};

inline ValuePairs interleave(__m512i even, __m512i odd) {
  alignas(64) static constexpr uint16_t kLow[32] = {32, 0, 33, 1, 34, 2,  35, 3,  36, 4,  37, 5,  38, 6,  39, 7,
                                                    40, 8, 41, 9, 42, 10, 43, 11, 44, 12, 45, 13, 46, 14, 47, 15};
  alignas(64) static constexpr uint16_t kHigh[32] = {48, 16, 49, 17, 50, 18, 51, 19, 52, 20, 53, 21, 54, 22, 55, 23,
                                                     56, 24, 57, 25, 58, 26, 59, 27, 60, 28, 61, 29, 62, 30, 63, 31};
  return {reinterpret_cast<IntVec>(_mm512_permutex2var_epi16(even, _mm512_load_si512(kLow), odd)),
          reinterpret_cast<IntVec>(_mm512_permutex2var_epi16(even, _mm512_load_si512(kHigh), odd))};
}

// 32 * steps coordinates from `column` on.
template <int rows, int steps>
inline void weigh_values_bf16(const Attention<Bfloat16>& args, int first, int keys, int column, const float* scales) {
  Vec sums[rows][2 * steps] = {};
  const int32_t* weights[rows];
  for (int r = 0; r < rows; r++) {
    weights[r] = reinterpret_cast<const int32_t*>(args.scores + (first + r) * args.score_stride);
  }
  int position = 0;
  for (const KeySpan<Bfloat16>* span = args.spans; position < keys; span++) {
    const Bfloat16* value = span->values + column;
    const int end = position + span->count < keys ? position + span->count : keys;
    while (position < end) {
      const bool from_odd = position % 2 == 1;
      const int taken = !from_odd && position + 1 < end ? 2 : 1;
      ValuePairs pairs[steps];
      for (int s = 0; s < steps; s++) {
        const __m512i one = _mm512_loadu_si512(value + 32 * s);
        const __m512i two = taken == 2 ? _mm512_loadu_si512(value + args.head_dim + 32 * s) : _mm512_setzero_si512();
        pairs[s] = from_odd ? interleave(_mm512_setzero_si512(), one) : interleave(one, two);
      }
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        const int32_t weight = weights[r][position / 2];
        for (int s = 0; s < steps; s++) {
          sums[r][2 * s] = dot_pairs(sums[r][2 * s], pairs[s].low, weight);
          sums[r][2 * s + 1] = dot_pairs(sums[r][2 * s + 1], pairs[s].high, weight);
        }
      }
      value += taken * args.head_dim;
      position += taken;
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int j = 0; j < 2 * steps; j++) {
      store(args.outputs[first + r] + column + j * kLanes, sums[r][j] * splat(scales[first + r]));
    }
  }
}

#else

// 32 * steps coordinates from `column` on, position by position.
template <int rows, int steps>
inline void weigh_values_bf16(const Attention<Bfloat16>& args, int first, int keys, int column, const float* scales) {
  constexpr int kVectors = 32 / kLanes;
  for (int part = 0; part < steps * kVectors; part++) {
    Vec sums[rows] = {};
    int position = 0;
    for (const KeySpan<Bfloat16>* span = args.spans; position < keys; span++) {
      const Bfloat16* value = span->values + column + part * kLanes;
      const int end = position + span->count < keys ? position + span->count : keys;
      for (; position < end; position++) {
        const Vec v = load_bf16(value);
        for (int r = 0; r < rows; r++) {
          const Bfloat16* weights = reinterpret_cast<const Bfloat16*>(args.scores + (first + r) * args.score_stride);
          sums[r] += splat(to_float(weights[position ^ 1])) * v;
        }
        value += args.head_dim;
      }
    }
    for (int r = 0; r < rows; r++) {
      store(args.outputs[first + r] + column + part * kLanes, sums[r] * splat(scales[first + r]));
    }
  }
}

#endif

// The coordinates that do not fill 32.
inline void weigh_tail_bf16(const Attention<Bfloat16>& args, int row, int keys, int column, float scale) {
  const Bfloat16* weights = reinterpret_cast<const Bfloat16*>(args.scores + row * args.score_stride);
  for (int d = column; d < args.head_dim; d++) {
    float sum = 0;
    int position = 0;
    for (const KeySpan<Bfloat16>* span = args.spans; position < keys; span++) {
      for (int i = 0; i < span->count && position < keys; i++, position++) {
        sum += to_float(weights[position ^ 1]) * to_float(span->values[static_cast<int64_t>(i) * args.head_dim + d]);
      }
    }
    args.outputs[row][d] = sum * scale;
  }
}

template <int rows>
void weigh_rows_bf16(const Attention<Bfloat16>& args, int first, int keys, const float* scales) {
  int column = 0;
  for (; column + 64 <= args.head_dim; column += 64) {
    weigh_values_bf16<rows, 2>(args, first, keys, column, scales);
  }
  for (; column + 32 <= args.head_dim; column += 32) {
    weigh_values_bf16<rows, 1>(args, first, keys, column, scales);
  }
  for (int r = first; r < first + rows && column < args.head_dim; r++) {
    weigh_tail_bf16(args, r, keys, column, scales[r]);
  }
}

using ScoreRowsBf16 = void (*)(const Attention<Bfloat16>&, int, int);
using WeighRowsBf16 = void (*)(const Attention<Bfloat16>&, int, int, const float*);

template <int... rows>
ScoreRowsBf16 score_rows_bf16_of(int count, std::integer_sequence<int, rows...>) {
  constexpr ScoreRowsBf16 functions[] = {score_rows_bf16<rows + 1>...};
  return functions[count - 1];
}

template <int... rows>
WeighRowsBf16 weigh_rows_bf16_of(int count, std::integer_sequence<int, rows...>) {
  constexpr WeighRowsBf16 functions[] = {weigh_rows_bf16<rows + 1>...};
  return functions[count - 1];
}

void attention_bf16(const Attention<Bfloat16>& args) {
  int keys = 0;
  for (int r = 0; r < args.rows; r++) {
    keys = args.visible[r] > keys ? args.visible[r] : keys;
  }
  for (int first = 0; first < args.rows; first += kScoreRows) {
    const int rows = args.rows - first < kScoreRows ? args.rows - first : kScoreRows;
    score_rows_bf16_of(rows, std::make_integer_sequence<int, kScoreRows>())(args, first, keys);
  }
  const int padded = (keys + kKeyTile - 1) / kKeyTile * kKeyTile;
  float scales[kAttentionRows];
  for (int r = 0; r < args.rows; r++) {
    scales[r] = softmax_row_bf16(args.scores + r * args.score_stride, args.visible[r], padded);
  }
  for (int first = 0; first < args.rows; first += kValueRows) {
    const int rows = args.rows - first < kValueRows ? args.rows - first : kValueRows;
    weigh_rows_bf16_of(rows, std::make_integer_sequence<int, kValueRows>())(args, first, keys, scales);
  }
}
