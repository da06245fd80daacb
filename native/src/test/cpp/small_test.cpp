#include <cmath>

#include "checks.h"

namespace gavel::test {

namespace {

void test_rms_norm(const Kernels& kernels, int rows, int width) {
  const vector<float> x = randoms(static_cast<size_t>(rows) * width, 3);
  const vector<float> weight = randoms(width, 2);
  vector<float> expected(x.size(), kPoison);
  vector<float> found(x.size(), kPoison);
  reference_kernels().rms_norm({x.data(), width, rows, width, weight.data(), 1e-6f, expected.data(), width});
  kernels.rms_norm({x.data(), width, rows, width, weight.data(), 1e-6f, found.data(), width});
  for (size_t i = 0; i < x.size(); i++) {
    expect_near(std::string(kernels.name) + " rms_norm " + std::to_string(width), expected[i], found[i],
                (width + 6) * kUnit * std::fabs(expected[i]));
  }
}

void test_rope(const Kernels& kernels, int heads, int dim) {
  vector<float> x = randoms(static_cast<size_t>(heads) * dim);
  vector<float> expected = x;
  const vector<float> angles = randoms(dim / 2, 3);
  vector<float> cosines;
  vector<float> sines;
  for (float angle : angles) {
    cosines.push_back(std::cos(angle));
    sines.push_back(std::sin(angle));
  }
  reference_kernels().rope({expected.data(), heads, dim, cosines.data(), sines.data()});
  kernels.rope({x.data(), heads, dim, cosines.data(), sines.data()});
  for (size_t i = 0; i < x.size(); i++) {
    expect_near(std::string(kernels.name) + " rope", expected[i], x[i], 4 * kUnit * 2);
  }
}

void test_log_sum_exp(const Kernels& kernels, int count, float magnitude) {
  vector<float> values = randoms(count, magnitude);
  if (count > 2) {
    values[count / 2] = -INFINITY;
  }
  LogSum expected;
  LogSum found;
  reference_kernels().log_sum_exp(values.data(), count, &expected);
  kernels.log_sum_exp(values.data(), count, &found);
  // Each term is off by 8 u relatively, their sum by count u.
  expect_near(std::string(kernels.name) + " log_sum_exp " + std::to_string(count), expected.log(), found.log(),
              (count + 8) * kUnit + 2 * kUnit * std::fabs(expected.log()));
  const int cut = random_int(0, count);
  LogSum a;
  LogSum b;
  kernels.log_sum_exp(values.data(), cut, &a);
  kernels.log_sum_exp(values.data() + cut, count - cut, &b);
  expect_near(std::string(kernels.name) + " log_sum_exp merged", expected.log(), LogSum::merge(a, b).log(),
              (count + 16) * kUnit + 2 * kUnit * std::fabs(expected.log()));
}

// One value, or all, that the sum is not finite for.
void test_log_sum_exp_of_none(const Kernels& kernels, int count) {
  for (const float odd : {kPoison, INFINITY}) {
    for (const bool all : {true, false}) {
      vector<float> values = all ? vector<float>(count, odd) : randoms(count);
      values[random_int(0, count - 1)] = odd;
      for (const Kernels* each : {&kernels, &reference_kernels()}) {
        LogSum sum;
        each->log_sum_exp(values.data(), count, &sum);
        const LogSum other = {3, 1};
        for (const LogSum& found : {sum, LogSum::merge(sum, other), LogSum::merge(LogSum::empty(), sum)}) {
          expect_equal(std::string(each->name) + " log_sum_exp of NaN", 0, std::isfinite(found.log()));
        }
      }
    }
  }
  const vector<float> nothing(count, -INFINITY);
  LogSum sum;
  kernels.log_sum_exp(nothing.data(), count, &sum);
  expect_equal("log_sum_exp of nothing", -INFINITY, static_cast<float>(sum.log()));
}

void test_logits(const Kernels& kernels, int count, float temperature) {
  vector<float> logits = randoms(count, 20);
  logits[count / 2] = -INFINITY;
  logits[count / 3] = 21;
  const std::string what = std::string(kernels.name) + " logits " + std::to_string(count);
  const size_t groups = logit_groups(count);
  vector<float> maxima(groups + 1, kGuard);
  vector<float> expected(groups + 1, kGuard);
  reference_kernels().group_maxima(logits.data(), count, expected.data());
  kernels.group_maxima(logits.data(), count, maxima.data());
  for (size_t g = 0; g <= groups; g++) {
    expect_equal(what + " maxima", expected[g], maxima[g]);
  }
  vector<float> weights(count + 1, kGuard);
  vector<float> exact(count + 1, kGuard);
  const float inverse = 1 / temperature;
  const double sum = reference_kernels().weigh_logits({logits.data(), count, 21, inverse, exact.data()});
  const float found = kernels.weigh_logits({logits.data(), count, 21, inverse, weights.data()});
  // Two roundings move an exponent of at most 87 by 2 * 87 u, the exponential is good to 2 ulp; a rounding at
  // the border of what counts as zero moves a weight by e^-87.
  const double slack = (2 * 87 + 8) * kUnit;
  for (int i = 0; i <= count; i++) {
    expect_near(what + " weight", exact[i], weights[i], slack * exact[i] + 2e-38);
  }
  expect_near(what + " sum", sum, found, (slack + count * kUnit) * sum);
}

}  // namespace

void sweep_small(const Kernels& kernels) {
  for (const int width : {1, 13, 64, 207, 4097}) {
    test_rms_norm(kernels, 3, width);
  }
  for (const int dim : {2, 6, 64, 128}) {
    test_rope(kernels, 3, dim);
  }
  for (const int count : {1, 13, 64, 207, 4097}) {
    for (const float magnitude : {1.0f, 80.0f}) {
      test_log_sum_exp(kernels, count, magnitude);
    }
    test_log_sum_exp_of_none(kernels, count);
    for (const float temperature : {0.05f, 0.7f, 3.0f}) {
      test_logits(kernels, count, temperature);
    }
  }
}

}  // namespace gavel::test
