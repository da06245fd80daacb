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

vector<float> logits_of(gavel::Engine& engine, const Batch& batch, int vocabulary) {
  vector<float> logits(batch.outputs.size() * vocabulary, NAN);
  gavel_outputs outputs{};
  outputs.logits = logits.data();
  engine.run(batch.view(false), nullptr, outputs);
  return logits;
}

// Relative errors of rows of logits, ascending.
vector<double> row_errors(const vector<double>& expected, const vector<float>& found, int vocabulary) {
  vector<double> errors;
  for (size_t r = 0; r < expected.size(); r += vocabulary) {
    errors.push_back(relative_error(vector<float>(expected.begin() + r, expected.begin() + r + vocabulary),
                                    vector<float>(found.begin() + r, found.begin() + r + vocabulary)));
  }
  std::sort(errors.begin(), errors.end());
  return errors;
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

// The two differ by fp32's error only, some 2^-22 of a value. One value in thousands lies so near to the edge between
// two roundings that it falls on the other side, and each token has hundreds of values a layer: most rows agree as fp32
// numbers do, and those with such a value still differ by less than the precision does.
void compare_simulation(const Target& target, const Checkpoint& checkpoint, std::mt19937_64& generator) {
  const int vocabulary = checkpoint.config.vocabulary;
  const std::unique_ptr<gavel::Engine> engine = target.engine(checkpoint.shape());
  checkpoint.load(*engine);
  Batch alone;
  Batch chain;  // each token's parent is the one before
  vector<vector<int32_t>> singles;
  vector<int32_t> sequence;
  for (int s = 0; s < 24; s++) {
    singles.push_back({random_token(checkpoint.config, generator)});
    alone.add(singles.back(), -1, {}, -1, GAVEL_OUTPUT_LOGITS);
  }
  for (int s = 0; s < 8; s++) {
    sequence.push_back(random_token(checkpoint.config, generator));
    chain.add({sequence.back()}, s - 1, {}, -1, GAVEL_OUTPUT_LOGITS);
  }
  const std::string title = std::string(target.precision.name) + " " + checkpoint.name + ", simulated";
  const double limit = target.limit(checkpoint.config.layers);
  const int32_t quantization = target.precision.quantization;
  const vector<double> errors =
      row_errors(simulate(checkpoint, quantization, singles), logits_of(*engine, alone, vocabulary), vocabulary);
  expect_at_most(title + ", tokens alone, a quarter of them", errors[errors.size() / 4], kAgreement);
  expect_at_most(title + ", tokens alone", errors.back(), limit);
  const vector<double> chained =
      row_errors(simulate(checkpoint, quantization, {sequence}), logits_of(*engine, chain, vocabulary), vocabulary);
  expect_at_most(title + ", a sequence, its best token", chained.front(), kAgreement);
  expect_at_most(title + ", a sequence", chained.back(), limit);
  const auto same = std::count_if(errors.begin(), errors.end(), [](double error) { return error <= kAgreement; });
  std::printf("%-4s %-30s beside the simulation: %d of %zu rows agree, the worst within %.3f of the limit\n",
              target.precision.name, checkpoint.name, static_cast<int>(same), errors.size(), errors.back() / limit);
}

}  // namespace parity
