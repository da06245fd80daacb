// The precisions of an engine on a device: what each may err by, and checks of each by itself.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "parity.h"
#include "parity_model.h"

namespace parity {

// Of a layer, to 16 bits: the stream, its norms, queries, keys, values, weights of attention, its result, both
// products, activations.
constexpr double kRoundings = 12;
// Of a layer, to e4m3: the inputs and the weights of four products.
constexpr double kFp8Roundings = 8;
// Root mean square of e4m3's relative rounding error: steps of 1/8 between 1 and 2, over the root mean square of
// values spread evenly there.
const double kFp8Rounding = 0.125 / std::sqrt(12.0) / std::sqrt(7.0 / 3);

struct Precision {
  const char* name;
  int32_t quantization;
  double rounding;  // to 16 bits: the largest relative error
  int step;         // widths are multiples of it

  bool fp8() const { return quantization == GAVEL_QUANTIZATION_FP8; }
};

inline constexpr Precision kPrecisions[] = {{"bf16", GAVEL_QUANTIZATION_BF16, 0x1p-9, 8},
                                            {"fp16", GAVEL_QUANTIZATION_FP16, 0x1p-12, 8},
                                            {"fp8", GAVEL_QUANTIZATION_FP8, 0x1p-9, 16}};

inline constexpr const Precision& kBf16 = kPrecisions[0];
inline constexpr const Precision& kFp8 = kPrecisions[2];

// Of the relative error of logits after so many layers: four times what is expected, since a row in whose
// attention two keys nearly tie feels roundings more than others. further: roundings to 16 bits of a layer.
double relative_limit(const Precision& precision, int layers, double further = 0);

// Where engines are made, and what of them is compared.
struct Target {
  const MakeEngine& make;
  int ranks;
  Precision precision;

  // Whether the device has the precision.
  bool available() const;
  std::unique_ptr<gavel::Engine> engine(gavel_config config) const;

  // See relative_limit: over ranks there are further roundings.
  double limit(int layers, double further = 0) const;
};

// Of a label's log-probability: a sum over at most three steps, each a logit less a log-sum of logits, which have a
// deviation of three here. logits: the limit of the relative error of those.
inline double label_limit(double logits) { return logits * 3 * 6; }

// Root mean square of the difference over that of the expected values.
double relative_error(const std::vector<float>& expected, const std::vector<float>& found);

// The engine beside a simulation that rounds where it does.
void compare_simulation(const Target& target, const Checkpoint& checkpoint, std::mt19937_64& generator);

// Devices, widths, weights and values that a precision does not take.
void compare_refusals(const MakeEngine& make);
void refuse_older(const MakeEngine& make);

}  // namespace parity
