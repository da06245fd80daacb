// Rounding by typical inputs against its definition, in double.
#include "model/rounding.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "checks.h"

namespace gavel::test {

namespace {

// The mean square of what the rounded row gets wrong of the inputs.
double error_of(const vector<float>& inputs, const vector<float>& row, float scale, const vector<int8_t>& integers) {
  const size_t k = row.size();
  double sum = 0;
  for (size_t begin = 0; begin < inputs.size(); begin += k) {
    double shift = 0;
    for (size_t i = 0; i < k; i++) {
      shift += inputs[begin + i] * (static_cast<double>(scale) * integers[i] - row[i]);
    }
    sum += shift * shift;
  }
  return sum / (static_cast<double>(inputs.size()) / static_cast<double>(k));
}

double distance_of(const vector<float>& row, float scale, const vector<int8_t>& integers) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); i++) {
    sum += std::pow(static_cast<double>(scale) * integers[i] - row[i], 2);
  }
  return sum;
}

void test_random(int samples, int k, ThreadPool& pool) {
  const std::string name = "rounding " + std::to_string(samples) + " " + std::to_string(k);
  vector<float> inputs = randoms(static_cast<size_t>(samples) * k);
  for (size_t i = 0; i < inputs.size(); i++) {
    inputs[i] += 1;  // what all samples share
  }
  const vector<float> row = randoms(k, 0.3f);
  float most = 0;
  double power = 0;
  for (float value : row) {
    most = std::max(most, std::fabs(value));
  }
  for (float value : inputs) {
    power += static_cast<double>(value) * value / samples;
  }
  const float scale = most / 127;
  vector<int8_t> nearest(k);
  vector<int8_t> refined(k);
  Rounding().round(row.data(), k, scale, nearest.data());
  Rounding(inputs, k, pool).round(row.data(), k, scale, refined.data());
  for (int i = 0; i < k; i++) {
    const float exact = row[i] / scale;
    expect(std::fabs(nearest[i] - exact) <= 0.5 + 127 * 4 * kUnit, name + ": to the nearest");
    expect(std::abs(refined[i]) <= 127, name + ": in range");
  }
  // No step is taken but one that makes the goal less; its weight of the distance is 3% of an input's mean square.
  const double lambda = 0.03 * power / k;
  const double before = error_of(inputs, row, scale, nearest) + lambda * distance_of(row, scale, nearest);
  const double after = error_of(inputs, row, scale, refined) + lambda * distance_of(row, scale, refined);
  expect(after <= before * (1 + 1e-4), name + ": the goal is not worse");
}

}  // namespace

void test_rounding() {
  ThreadPool pool(2);
  for (const int k : {1, 2, 31, 64, 573}) {
    for (const int samples : {1, 3, 40}) {
      test_random(samples, k, pool);
    }
  }
  // By hand: of the sums .8 and 1.2 steps that nearest rounding leaves out, one step gives back all but .2.
  for (const int k : {2, 3}) {
    const vector<float> row(k, 0.4f);
    vector<int8_t> integers(k);
    Rounding(vector<float>(k, 1.0f), k, pool).round(row.data(), k, 1, integers.data());
    expect(std::count(integers.begin(), integers.end(), 1) == 1 &&
               std::count(integers.begin(), integers.end(), 0) == k - 1,
           "rounding by hand");
  }
  // Nothing goes beyond 127, and a row of zeros stays one.
  const vector<float> full = {127.4f, 127.4f};
  vector<int8_t> integers(2);
  Rounding({1, 1}, 2, pool).round(full.data(), 2, 1, integers.data());
  expect(integers[0] == 127 && integers[1] == 127, "rounding at the end of the range");
  const vector<float> zeros(2);
  Rounding({1, 1}, 2, pool).round(zeros.data(), 2, 0, integers.data());
  expect(integers[0] == 0 && integers[1] == 0, "rounding zeros");
}

}  // namespace gavel::test
