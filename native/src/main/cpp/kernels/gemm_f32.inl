// See gemm_f32.h. A tile of kTile rows by one panel of columns stays in registers over all of k.

template <int rows>
inline void store_tile(const Vec (&sums)[rows][2], float* out, const GemmF32& args, int panel) {
  if (args.epilogue == Epilogue::kSwiglu) {
    const int begin = panel * kLanes;
    const int count = args.columns - begin;
    for (int r = 0; r < rows; r++) {
      const Vec value = silu(sums[r][0]) * sums[r][1];
      float* target = out + r * args.stride + begin;
      if (count >= kLanes) {
        store(target, value);
      } else {
        for (int i = 0; i < count; i++) {
          target[i] = value[i];
        }
      }
    }
    return;
  }
  const int begin = panel * kPanel;
  const int count = args.columns - begin;
  for (int r = 0; r < rows; r++) {
    for (int half = 0; half < 2; half++) {
      float* target = out + r * args.stride + begin + half * kLanes;
      const float* bias = args.bias == nullptr ? nullptr : args.bias + begin + half * kLanes;
      const int left = count - half * kLanes;
      Vec value = sums[r][half];
      if (left >= kLanes) {
        if (bias != nullptr) {
          value += load(bias);
        }
        store(target, args.epilogue == Epilogue::kAdd ? load(target) + value : value);
      } else {
        for (int i = 0; i < left; i++) {
          const float element = bias == nullptr ? value[i] : value[i] + bias[i];
          target[i] = args.epilogue == Epilogue::kAdd ? target[i] + element : element;
        }
      }
    }
  }
}

template <int rows>
void gemm_tile(const GemmF32& args, const float* packed_rows, float* out, int panel) {
  const float* a = packed_rows;
  const float* b = args.packed_weights + static_cast<int64_t>(panel) * args.k * kPanel;
  Vec sums[rows][2] = {};
  for (int k = 0; k < args.k; k++) {
    const Vec b0 = load(b);
    const Vec b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const Vec x = splat(a[r]);
      sums[r][0] += x * b0;
      sums[r][1] += x * b1;
    }
    a += rows;
    b += kPanel;
  }
  store_tile<rows>(sums, out, args, panel);
}

using GemmTile = void (*)(const GemmF32&, const float*, float*, int);

template <int... rows>
constexpr GemmTile gemm_tile_of(int count, std::integer_sequence<int, rows...>) {
  constexpr GemmTile tiles[] = {gemm_tile<rows + 1>...};
  return tiles[count - 1];
}

void gemm_f32(const GemmF32& args) {
  const int full = args.rows / kTile;
  const int rest = args.rows % kTile;
  const GemmTile last = rest == 0 ? nullptr : gemm_tile_of(rest, std::make_integer_sequence<int, kTile>());
  for (int panel = args.panel_begin; panel < args.panel_end; panel++) {
    const float* packed = args.packed_rows;
    float* out = args.out;
    for (int tile = 0; tile < full; tile++) {
      gemm_tile<kTile>(args, packed, out, panel);
      packed += static_cast<int64_t>(kTile) * args.k;
      out += kTile * args.stride;
    }
    if (last != nullptr) {
      last(args, packed, out, panel);
    }
  }
}

inline float inverse_rms(const float* x, int width, float epsilon) {
  Vec squares = {};
  int i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Vec v = load(x + i);
    squares += v * v;
  }
  float sum = sum_lanes(squares);
  for (; i < width; i++) {
    sum += x[i] * x[i];
  }
  return 1.0f / __builtin_sqrtf(sum / static_cast<float>(width) + epsilon);
}

void pack_rows(const PackRows& args) {
  float* packed = args.packed;
  for (int begin = 0; begin < args.count; begin += kTile) {
    const int rows = args.count - begin < kTile ? args.count - begin : kTile;
    for (int r = 0; r < rows; r++) {
      const float* x = args.rows[begin + r];
      if (args.norm_weight == nullptr) {
        for (int k = 0; k < args.k; k++) {
          packed[static_cast<int64_t>(k) * rows + r] = x[k];
        }
      } else {
        const float scale = inverse_rms(x, args.k, args.epsilon);
        for (int k = 0; k < args.k; k++) {
          packed[static_cast<int64_t>(k) * rows + r] = x[k] * scale * args.norm_weight[k];
        }
      }
    }
    packed += static_cast<int64_t>(rows) * args.k;
  }
}
