// See log_sum_exp.h.

inline float highest_of(const float* values, int64_t count) {
  Vec most = splat(-__builtin_inff());
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    most = maximum(load(values + i), most);
  }
  float highest = max_lanes(most);
  for (; i < count; i++) {
    highest = values[i] > highest ? values[i] : highest;
  }
  return highest;
}

void log_sum_exp(const float* values, int64_t count, LogSum* sum) {
  const float highest = highest_of(values, count);
  if (highest == -__builtin_inff()) {
    *sum = LogSum::empty();
    return;
  }
  Vec sums = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    sums += exp(load(values + i) - splat(highest));
  }
  float total = sum_lanes(sums);
  for (; i < count; i++) {
    total += exp(splat(values[i] - highest))[0];
  }
  *sum = {highest, total};
}
