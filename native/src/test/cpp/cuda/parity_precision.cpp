#include "parity_precision.h"

#include <algorithm>
#include <cstdio>

#include "parity_batch.h"
#include "parity_simulation.h"
#include "support/error.h"

namespace parity {

namespace {

// Of rows whose values were all rounded alike: fp32's error over a few layers.
constexpr double kAgreement = 0x1p-18;

int32_t random_token(const gavel_config& config, std::mt19937_64& generator) {
  return std::uniform_int_distribution<int32_t>(0, config.vocabulary - 1)(generator);
}

}  // namespace

bool Target::available() const {
  std::mt19937_64 generator(1);
  try {
    engine(checkpoints(generator, ranks, precision.step).front().shape());
    return true;
  } catch (const gavel::Error& error) {
    if (precision.fp8() && error.status() == GAVEL_UNAVAILABLE) {
      return false;
    }
    throw;
  }
}

std::unique_ptr<gavel::Engine> Target::engine(gavel_config config) const {
  config.device_type = GAVEL_CUDA;
  config.quantization = precision.quantization;
  return make(config);
}

double Target::limit(int layers, double further) const {
  return relative_limit(precision, layers, further + 2 * (ranks - 1));
}

double relative_limit(const Precision& precision, int layers, double further) {
  const double roundings = kRoundings + further;
  const double fp8_error = precision.fp8() ? kFp8Roundings * kFp8Rounding * kFp8Rounding : 0;
  return 4 * std::sqrt(layers * (roundings * precision.rounding * precision.rounding + fp8_error));
}

double relative_error(const vector<float>& expected, const vector<float>& found) {
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    error += std::pow(static_cast<double>(expected[i]) - found[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / size);
}

namespace {

// Relative errors of the last tokens' logits, ascending: so many sequences of so many tokens, each token a sequence of
// the batch whose parent is the one before.
vector<double> simulated_errors(const Target& target, gavel::Engine& engine, const Checkpoint& checkpoint,
                                int sequences, int length, std::mt19937_64& generator) {
  const int vocabulary = checkpoint.config.vocabulary;
  Batch batch;
  vector<vector<int32_t>> all(sequences);
  for (int s = 0; s < sequences * length; s++) {
    all[s / length].push_back(random_token(checkpoint.config, generator));
    const bool last = s % length == length - 1;
    batch.add({all[s / length].back()}, s % length == 0 ? -1 : s - 1, {}, -1,
              last ? GAVEL_OUTPUT_LOGITS : GAVEL_OUTPUT_NONE);
  }
  vector<float> found(static_cast<size_t>(sequences) * vocabulary, NAN);
  gavel_outputs outputs{};
  outputs.logits = found.data();
  engine.run(batch.view(false), nullptr, outputs);
  const vector<double> expected = simulate(checkpoint, target.precision.quantization, all);
  vector<double> errors;
  for (int s = 0; s < sequences; s++) {
    const auto row = expected.begin() + ((s + 1) * length - 1) * vocabulary;
    const auto found_row = found.begin() + s * vocabulary;
    errors.push_back(relative_error({row, row + vocabulary}, {found_row, found_row + vocabulary}));
  }
  std::sort(errors.begin(), errors.end());
  return errors;
}

}  // namespace

// The two differ by fp32's error only, some 2^-22 of a value. One value in thousands lies so near to the edge between
// two roundings that it falls on the other side, and each token has hundreds of values a layer: most rows agree as fp32
// numbers do, and those with such a value still differ by less than the precision does.
void compare_simulation(const Target& target, const Checkpoint& checkpoint, std::mt19937_64& generator) {
  const std::unique_ptr<gavel::Engine> engine = target.engine(checkpoint.shape());
  checkpoint.load(*engine);
  const std::string title = std::string(target.precision.name) + " " + checkpoint.name + ", simulated, ";
  const double limit = target.limit(checkpoint.config.layers);
  const vector<double> alone = simulated_errors(target, *engine, checkpoint, 24, 1, generator);
  expect_at_most(title + "a quarter of the tokens alone", alone[alone.size() / 4], kAgreement);
  expect_at_most(title + "tokens alone", alone.back(), limit);
  const vector<double> sequences = simulated_errors(target, *engine, checkpoint, 16, 3, generator);
  expect_at_most(title + "the best of sequences", sequences.front(), kAgreement);
  expect_at_most(title + "sequences", sequences.back(), limit);
  const auto same = [](const vector<double>& errors) {
    return std::count_if(errors.begin(), errors.end(), [](double error) { return error <= kAgreement; });
  };
  std::printf("%-4s %-30s beside the simulation: %d of %zu tokens and %d of %zu sequences agree\n",
              target.precision.name, checkpoint.name, static_cast<int>(same(alone)), alone.size(),
              static_cast<int>(same(sequences)), sequences.size());
}

}  // namespace parity
