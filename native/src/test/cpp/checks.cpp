#include "checks.h"

#include <cstdio>
#include <limits>

namespace gavel::test {

const float kPoison = std::numeric_limits<float>::quiet_NaN();

void expect_equal(const std::string& what, float expected, float found) {
  if (expected == found) {
    counted::expect(true, what);
    return;
  }
  char text[96];
  std::snprintf(text, sizeof text, ": expected %.9g, found %.9g", static_cast<double>(expected),
                static_cast<double>(found));
  counted::expect(false, what + text);
}

int finish() {
  std::printf("%d checks, %d failed\n", counted::checks(), counted::failures());
  return counted::failures() == 0 ? 0 : 1;
}

}  // namespace gavel::test
