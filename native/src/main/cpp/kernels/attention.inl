// See attention.h. Scores: a vector of keys times broadcast query coordinates. Values: a vector of
// coordinates times broadcast weights, a few rows by 64 coordinates at a time in registers.

constexpr int kKeyVectors = kKeyTile / kLanes;
constexpr int kScoreRows = kLanes == 16 ? 12 : kLanes == 8 ? 4 : 2;
constexpr int kValueVectors = kLanes == 16 ? 4 : 2;
constexpr int kValueRows = kLanes == 16 ? 6 : 3;

template <int rows>
inline void score_span(const Attention<float>& args, int first, const KeySpan<float>& span, int64_t position) {
  Vec sums[rows][kKeyVectors] = {};
  const float* keys = span.keys;
  for (int d = 0; d < args.head_dim; d++) {
    Vec key[kKeyVectors];
    for (int v = 0; v < kKeyVectors; v++) {
      key[v] = load(keys + v * kLanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const Vec q = splat(args.queries[first + r][d]);
      for (int v = 0; v < kKeyVectors; v++) {
        sums[r][v] += q * key[v];
      }
    }
    keys += span.key_stride;
  }
  for (int r = 0; r < rows; r++) {
    float* scores = args.scores + (first + r) * args.score_stride + position;
    for (int v = 0; v < kKeyVectors; v++) {
      store(scores + v * kLanes, sums[r][v] * splat(args.scale));
    }
  }
}

template <int rows>
void score_rows(const Attention<float>& args, int first, int keys) {
  int position = 0;
  for (const KeySpan<float>* span = args.spans; position < keys; span++) {
    score_span<rows>(args, first, *span, position);
    position += span->count;
  }
}

// Turns a row of scores into weights; those from `visible` on become 0, up to `padded`.
inline void softmax_row(float* scores, int visible, int padded) {
  for (int i = visible; i < padded; i++) {
    scores[i] = -1e30f;
  }
  Vec highest = splat(-1e30f);
  for (int i = 0; i < padded; i += kLanes) {
    highest = maximum(highest, load(scores + i));
  }
  const Vec top = splat(max_lanes(highest));
  Vec sums = {};
  for (int i = 0; i < padded; i += kLanes) {
    const IntVec weight = reinterpret_cast<IntVec>(exp(load(scores + i) - top)) & lanes_below(visible - i);
    store(scores + i, reinterpret_cast<Vec>(weight));
    sums += reinterpret_cast<Vec>(weight);
  }
  const Vec scale = splat(1.0f / sum_lanes(sums));
  for (int i = 0; i < padded; i += kLanes) {
    store(scores + i, load(scores + i) * scale);
  }
}

template <int rows, int vectors>
inline void weigh_values(const Attention<float>& args, int first, int keys, int column) {
  Vec sums[rows][vectors] = {};
  int position = 0;
  for (const KeySpan<float>* span = args.spans; position < keys; span++) {
    const float* value = span->values + column;
    const int count = span->count < keys - position ? span->count : keys - position;
    for (int i = 0; i < count; i++) {
      Vec v[vectors];
      for (int j = 0; j < vectors; j++) {
        v[j] = load(value + j * kLanes);
      }
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        const Vec weight = splat(args.scores[(first + r) * args.score_stride + position + i]);
        for (int j = 0; j < vectors; j++) {
          sums[r][j] += weight * v[j];
        }
      }
      value += args.head_dim;
    }
    position += count;
  }
  for (int r = 0; r < rows; r++) {
    for (int j = 0; j < vectors; j++) {
      store(args.outputs[first + r] + column + j * kLanes, sums[r][j]);
    }
  }
}

// The coordinates that do not fill a vector.
inline void weigh_tail(const Attention<float>& args, int row, int keys, int column) {
  for (int d = column; d < args.head_dim; d++) {
    float sum = 0;
    int position = 0;
    for (const KeySpan<float>* span = args.spans; position < keys; span++) {
      for (int i = 0; i < span->count && position < keys; i++, position++) {
        sum +=
            args.scores[row * args.score_stride + position] * span->values[static_cast<int64_t>(i) * args.head_dim + d];
      }
    }
    args.outputs[row][d] = sum;
  }
}

template <int rows>
void weigh_rows(const Attention<float>& args, int first, int keys) {
  constexpr int kStep = kValueVectors * kLanes;
  int column = 0;
  for (; column + kStep <= args.head_dim; column += kStep) {
    weigh_values<rows, kValueVectors>(args, first, keys, column);
  }
  for (; column + kLanes <= args.head_dim; column += kLanes) {
    weigh_values<rows, 1>(args, first, keys, column);
  }
  for (int r = first; r < first + rows && column < args.head_dim; r++) {
    weigh_tail(args, r, keys, column);
  }
}

using AttentionRows = void (*)(const Attention<float>&, int, int);

template <int... rows>
AttentionRows score_rows_of(int count, std::integer_sequence<int, rows...>) {
  constexpr AttentionRows functions[] = {score_rows<rows + 1>...};
  return functions[count - 1];
}

template <int... rows>
AttentionRows weigh_rows_of(int count, std::integer_sequence<int, rows...>) {
  constexpr AttentionRows functions[] = {weigh_rows<rows + 1>...};
  return functions[count - 1];
}

void attention(const Attention<float>& args) {
  int keys = 0;
  for (int r = 0; r < args.rows; r++) {
    keys = args.visible[r] > keys ? args.visible[r] : keys;
  }
  for (int first = 0; first < args.rows; first += kScoreRows) {
    const int rows = args.rows - first < kScoreRows ? args.rows - first : kScoreRows;
    score_rows_of(rows, std::make_integer_sequence<int, kScoreRows>())(args, first, keys);
  }
  const int padded = (keys + kKeyTile - 1) / kKeyTile * kKeyTile;
  for (int r = 0; r < args.rows; r++) {
    softmax_row(args.scores + r * args.score_stride, args.visible[r], padded);
  }
  for (int first = 0; first < args.rows; first += kValueRows) {
    const int rows = args.rows - first < kValueRows ? args.rows - first : kValueRows;
    weigh_rows_of(rows, std::make_integer_sequence<int, kValueRows>())(args, first, keys);
  }
}
