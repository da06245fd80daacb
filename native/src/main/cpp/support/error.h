// How the engine fails inside: an exception with a gavel_status, turned into a status at the facade.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "gavel.h"

namespace gavel {

class Error : public std::exception {
 public:
  Error(int32_t status, std::string message) : status_(status), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  int32_t status() const { return status_; }

 private:
  int32_t status_;
  std::string message_;
};

// Throws an Error with a printf-formatted message.
[[noreturn]] void fail(int32_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

// The caller broke a rule of the seam unless the condition holds; names what was expected and found.
#define GAVEL_REQUIRE(condition, ...)                     \
  do {                                                    \
    if (!(condition)) {                                   \
      ::gavel::fail(GAVEL_INVALID_ARGUMENT, __VA_ARGS__); \
    }                                                     \
  } while (0)

}  // namespace gavel
