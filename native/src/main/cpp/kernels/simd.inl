// One vector of floats of the instruction set being compiled, by compiler vector extensions, and the
// few functions on it. Included by isa_*.cpp inside an instruction set's own namespace.

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kTile = 12;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
constexpr int kTile = 6;
#else
constexpr int kLanes = 4;
constexpr int kTile = 4;
#endif
constexpr int kPanel = 2 * kLanes;

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef float UnalignedVec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));

inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
inline Vec splat(float x) { return x - Vec{}; }

inline Vec maximum(Vec a, Vec b) { return a > b ? a : b; }
inline Vec minimum(Vec a, Vec b) { return a < b ? a : b; }

struct LaneNumbers {
  int32_t lanes[kLanes];

  constexpr LaneNumbers() : lanes{} {
    for (int i = 0; i < kLanes; i++) {
      lanes[i] = i;
    }
  }
};

// All bits set in the lanes below `count`.
inline IntVec lanes_below(int count) {
  static constexpr LaneNumbers kNumbers;
  IntVec numbers;
  std::memcpy(&numbers, kNumbers.lanes, sizeof numbers);
  return numbers < count;
}

struct LanePartners {
  int32_t lanes[kLanes];

  constexpr explicit LanePartners(int distance) : lanes{} {
    for (int i = 0; i < kLanes; i++) {
      lanes[i] = i ^ distance;
    }
  }
};

// Lanes that are `distance`, a power of two, apart change places.
template <int distance>
inline Vec swapped(Vec v) {
  static constexpr LanePartners kPartners(distance);
  IntVec partners;
  std::memcpy(&partners, kPartners.lanes, sizeof partners);
  return __builtin_shuffle(v, partners);
}

// Lanes added pairwise, in a fixed order.
template <int distance = kLanes / 2>
inline float sum_lanes(Vec v) {
  if constexpr (distance == 0) {
    return v[0];
  } else {
    return sum_lanes<distance / 2>(v + swapped<distance>(v));
  }
}

template <int distance = kLanes / 2>
inline float max_lanes(Vec v) {
  if constexpr (distance == 0) {
    return v[0];
  } else {
    return max_lanes<distance / 2>(maximum(v, swapped<distance>(v)));
  }
}

// 1.5 * 2^23: a float of up to 2^22 in magnitude that it is added to is rounded to an integer, to nearest even, and the
// integer is what the sum's bits are above those of the constant.
constexpr float kRounder = 12582912.0f;
constexpr int32_t kRounderBits = 0x4B400000;

// 2^n of a sum n + kRounder, n from -126 to 127; the shift leaves nothing of kRounderBits.
inline Vec power_of_two(Vec sum) { return reinterpret_cast<Vec>((reinterpret_cast<IntVec>(sum) << 23) + (127 << 23)); }

// e^x to 2 ulp for x in [-87.3, 88.3], clamped outside: 2^n e^r with |r| <= ln(2)/2, and Taylor's
// polynomial of degree 7 in r (next term below 6e-9).
inline Vec exp(Vec x) {
  x = minimum(maximum(x, splat(-87.3f)), splat(88.3f));
  const Vec sum = x * splat(1.44269504f) + splat(kRounder);
  const Vec n = sum - splat(kRounder);
  Vec r = x - n * splat(0.693145752f);
  r = r - n * splat(1.42860677e-6f);
  Vec p = splat(1.0f / 5040);
  p = p * r + splat(1.0f / 720);
  p = p * r + splat(1.0f / 120);
  p = p * r + splat(1.0f / 24);
  p = p * r + splat(1.0f / 6);
  p = p * r + splat(0.5f);
  p = p * r + splat(1.0f);
  p = p * r + splat(1.0f);
  return p * power_of_two(sum);
}

// a / b, to 2 ulp where 1 / b is no denormal.
inline Vec quotient(Vec a, Vec b) {
#if defined(__AVX512F__)
  const Vec guess = reinterpret_cast<Vec>(_mm512_rcp14_ps(reinterpret_cast<__m512>(b)));
  return a * (guess + guess * (splat(1.0f) - b * guess));
#else
  return a / b;
#endif
}

inline Vec silu(Vec x) { return quotient(x, splat(1.0f) + exp(-x)); }
