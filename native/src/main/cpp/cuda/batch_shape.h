// All sizes of a batch that its launches depend on, and with them the places of its staged arrays: two batches of the
// same shape differ in the content of memory only, so a graph of one serves the other.
#pragma once

#include <compare>

#include "model/device_plan.h"

namespace gavel {

struct AttentionShape {
  int prefill_tiles = 0;
  int decode_tiles = 0;
  int merged_rows = 0;
  int parts = 0;

  auto operator<=>(const AttentionShape&) const = default;
};

struct LabelShape {
  int candidates = 0;
  int labels = 0;
  int forms = 0;
  int steps = 0;
  bool mass = false;

  auto operator<=>(const LabelShape&) const = default;
};

struct BatchShape {
  int rows = 0;
  OutputRoom outputs;
  LabelShape labels;
  AttentionShape layers;            // of all rows
  AttentionShape output_attention;  // of the outputs' rows

  // The batch's own sizes, with the room that its plan was built for.
  static BatchShape of(const Plan& plan, const DevicePlan& device_plan, const OutputRoom& room);

  // Rounded up to sizes that come again.
  BatchShape rounded(const Config& config, const DevicePlan& device_plan, const TileLimits& limits) const;

  auto operator<=>(const BatchShape&) const = default;
};

}  // namespace gavel
