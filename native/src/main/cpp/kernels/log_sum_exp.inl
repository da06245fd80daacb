// See log_sum_exp.h.

void log_sum_exp(const float* values, int64_t count, LogSum* sum) {
  float highest = -__builtin_inff();
  for (int64_t i = 0; i < count; i++) {
    highest = values[i] > highest ? values[i] : highest;
  }
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
