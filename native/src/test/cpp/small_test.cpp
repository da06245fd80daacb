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
  }
}

}  // namespace gavel::test
