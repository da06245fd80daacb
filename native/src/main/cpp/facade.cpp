#include "gavel.h"
extern "C" const char* gavel_last_error(void) { return ""; }
