#include "support/error.h"

#include <cstdarg>
#include <cstdio>

namespace gavel {

void fail(int32_t status, const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  throw Error(status, buffer);
}

}  // namespace gavel
