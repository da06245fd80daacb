#include "checks.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

namespace gavel::test {

namespace {

int failures = 0;
int checks = 0;
std::mt19937_64 generator;

}  // namespace

const float kPoison = std::numeric_limits<float>::quiet_NaN();

void seed(uint64_t value) { generator.seed(value); }

vector<float> randoms(size_t count, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  vector<float> values(count);
  for (float& value : values) {
    value = uniform(generator);
  }
  return values;
}

int random_int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

void expect_near(const std::string& what, double expected, double found, double tolerance) {
  checks++;
  if (!(std::fabs(expected - found) <= tolerance) && failures++ < 20) {
    std::printf("FAILED %s: expected %.9g, found %.9g, tolerance %.3g\n", what.c_str(), expected, found, tolerance);
  }
}

void expect_equal(const std::string& what, float expected, float found) {
  checks++;
  if (expected != found && failures++ < 20) {
    std::printf("FAILED %s: expected %.9g, found %.9g\n", what.c_str(), static_cast<double>(expected),
                static_cast<double>(found));
  }
}

int finish() {
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace gavel::test
