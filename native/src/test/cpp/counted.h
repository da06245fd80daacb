// What every test program here counts and draws: checks, and random numbers of one seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counted {

// Prints what failed, of the first failures.
void expect(bool condition, const std::string& what);
void expect_near(const std::string& what, double expected, double found, double tolerance);
int checks();
int failures();

void seed(uint64_t value);
// Uniform in [-scale, scale).
std::vector<float> randoms(size_t count, float scale = 1);
// Both ends included.
int random_int(int low, int high);

}  // namespace counted
