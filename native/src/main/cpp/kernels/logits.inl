// See logits.h.

void group_maxima(const float* logits, int64_t count, float* maxima) {
  for (int64_t begin = 0; begin < count; begin += kLogitGroup) {
    const int64_t left = count - begin;
    maxima[begin / kLogitGroup] = highest_of(logits + begin, left < kLogitGroup ? left : kLogitGroup);
  }
}

float weigh_logits(const WeighLogits& args) {
  const Vec highest = splat(args.highest);
  const Vec inverse = splat(args.inverse_temperature);
  const auto weigh = [&](Vec logits) {
    const Vec exponent = (logits - highest) * inverse;
    return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(exp(exponent)) & (exponent >= splat(-87.0f)));
  };
  Vec sums = {};
  int64_t i = 0;
  for (; i + kLanes <= args.count; i += kLanes) {
    const Vec weights = weigh(load(args.logits + i));
    store(args.weights + i, weights);
    sums += weights;
  }
  float total = sum_lanes(sums);
  for (; i < args.count; i++) {
    args.weights[i] = weigh(splat(args.logits[i]))[0];
    total += args.weights[i];
  }
  return total;
}
