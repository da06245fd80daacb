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

// Lanes added pairwise, in a fixed order.
inline float sum_lanes(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) {
      lanes[i] += lanes[i + width];
    }
  }
  return lanes[0];
}

inline float max_lanes(Vec v) {
  float result = v[0];
  for (int i = 1; i < kLanes; i++) {
    result = v[i] > result ? v[i] : result;
  }
  return result;
}

// e^x to 2 ulp for x in [-87.3, 88.7], clamped outside: 2^n e^r with |r| <= ln(2)/2, and Taylor's
// polynomial of degree 7 in r (next term below 6e-9).
inline Vec exp(Vec x) {
  x = minimum(maximum(x, splat(-87.3f)), splat(88.7f));
  const Vec magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vec shifted = x * splat(1.44269504f) + magic;
  const Vec n = shifted - magic;
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
  const IntVec exponent =
      (reinterpret_cast<IntVec>(shifted) << 23) + (127 << 23) - (static_cast<int32_t>(0x4B400000u) << 23);
  return p * reinterpret_cast<Vec>(exponent);
}

inline Vec silu(Vec x) { return x / (splat(1.0f) + exp(-x)); }
