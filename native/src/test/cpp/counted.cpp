#include "counted.h"

#include <cmath>
#include <cstdio>
#include <random>

namespace counted {

namespace {

constexpr int kPrinted = 20;

int checks_made = 0;
int checks_failed = 0;
std::mt19937_64 generator;

}  // namespace

void expect(bool condition, const std::string& what) {
  checks_made++;
  if (!condition && checks_failed++ < kPrinted) {
    std::printf("FAILED %s\n", what.c_str());
  }
}

// Composes its message where it fails only: sweeps make millions of checks.
void expect_near(const std::string& what, double expected, double found, double tolerance) {
  if (std::fabs(expected - found) <= tolerance) {
    checks_made++;
    return;
  }
  char text[128];
  std::snprintf(text, sizeof text, ": expected %.9g, found %.9g, tolerance %.3g", expected, found, tolerance);
  expect(false, what + text);
}

int checks() { return checks_made; }
int failures() { return checks_failed; }

void seed(uint64_t value) { generator.seed(value); }

std::vector<float> randoms(size_t count, float scale) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> values(count);
  for (float& value : values) {
    value = uniform(generator);
  }
  return values;
}

int random_int(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

}  // namespace counted
