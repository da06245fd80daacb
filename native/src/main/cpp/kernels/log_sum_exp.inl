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
    for (int64_t i = 0; i < count; i++) {
      sum->sum = values[i] == highest ? sum->sum : values[i];  // NaN
    }
    return;
  }
  // exp() would make a number of NaN.
  const auto term = [highest](Vec x) {
    const Vec below = x - splat(highest);
    return below == below ? exp(below) : below;
  };
  Vec sums = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    sums += term(load(values + i));
  }
  float total = sum_lanes(sums);
  for (; i < count; i++) {
    total += term(splat(values[i]))[0];
  }
  *sum = {highest, total};
}
