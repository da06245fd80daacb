// The sampler against the engine's: the same token, unless the draw falls on a border between two tokens that
// rounding may move, and then one of the two.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/kernels.h"
#include "model/sampler.h"
#include "sweep.h"

namespace sweep {

namespace {

struct Settings {
  float temperature;
  int top_k;
  float top_p;
};

// How far, relative to what is kept, the draw lies outside the token's share.
double distance_from_share(const vector<float>& logits, const Settings& settings, double uniform, int token,
                           double slack) {
  const int count = static_cast<int>(logits.size());
  const double highest = *std::max_element(logits.begin(), logits.end());
  vector<int> order(count);
  std::iota(order.begin(), order.end(), 0);
  const bool some = settings.top_k > 0 && settings.top_k < count;
  if (some || settings.top_p < 1) {
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
  }
  const int most = some ? settings.top_k : count;
  vector<double> cumulative{0};
  for (int i = 0; i < most; i++) {
    cumulative.push_back(cumulative.back() +
                         std::exp((static_cast<double>(logits[order[i]]) - highest) / settings.temperature));
  }
  const double total = cumulative.back();
  double nearest = 1e9;
  // The end of what top-p keeps may itself be moved by rounding.
  for (int kept = 1; kept <= most; kept++) {
    const bool reaches = cumulative[kept] >= (settings.top_p - slack) * total;
    const bool reached_before = kept > 1 && cumulative[kept - 1] >= (settings.top_p + slack) * total;
    if (!reaches || reached_before) {
      continue;
    }
    const double at = uniform * cumulative[kept];
    for (int i = 0; i < kept; i++) {
      if (order[i] == token) {
        nearest = std::min(nearest, std::max({0.0, cumulative[i] - at, at - cumulative[i + 1]}) / cumulative[kept]);
      }
    }
  }
  return nearest;
}

// Whether a row has a distribution to draw from.
bool drawable(const vector<float>& logits) {
  return std::all_of(logits.begin(), logits.end(), [](float logit) { return logit < INFINITY; }) &&  // not of NaN
         *std::max_element(logits.begin(), logits.end()) > -INFINITY;
}

// type -1: fp32.
void test(int type, const vector<vector<float>>& rows, const vector<Settings>& settings) {
  const int count = static_cast<int>(rows.size());
  const int vocabulary = static_cast<int>(rows[0].size());
  const int stride = vocabulary + random_int(0, 5);
  vector<float> logits(static_cast<size_t>(count) * stride, kPoison);
  vector<float> temperatures, top_ps;
  vector<int32_t> top_ks, draws;
  vector<int64_t> seeds;
  for (int r = 0; r < count; r++) {
    std::copy(rows[r].begin(), rows[r].end(), logits.begin() + static_cast<int64_t>(r) * stride);
    temperatures.push_back(settings[r].temperature);
    top_ks.push_back(settings[r].top_k);
    top_ps.push_back(settings[r].top_p);
    seeds.push_back(static_cast<int64_t>(random_int(0, 1 << 30)) * 1000003);
    draws.push_back(random_int(0, 1000));
  }
  const Array<float> wide(logits);
  const Array<uint16_t> narrow(encode(std::max(type, 0), logits));
  const Array<float> d_temperatures(temperatures), d_top_ps(top_ps), log_probabilities(count);
  const Array<int32_t> d_top_ks(top_ks), d_draws(draws), tokens(count);
  const Array<int64_t> d_seeds(seeds);
  gavel_cuda_sampler args{};
  args.logits_type = type;
  args.rows = count;
  args.vocabulary = vocabulary;
  args.stride = stride;
  args.logits = type < 0 ? static_cast<const void*>(wide.data()) : narrow.data();
  args.temperatures = d_temperatures.data();
  args.top_ks = d_top_ks.data();
  args.top_ps = d_top_ps.data();
  args.seeds = d_seeds.data();
  args.draws = d_draws.data();
  args.tokens = tokens.data();
  args.log_probabilities = log_probabilities.data();
  require(table().sampler(&args, stream()), "sampler");
  const vector<int32_t> found = tokens.read();
  const vector<float> found_log = log_probabilities.read();
  gavel::Sampler reference(gavel::reference_kernels());
  for (int r = 0; r < count; r++) {
    const vector<float> row = type < 0 ? rows[r] : rounded(type, rows[r]);
    const gavel::SamplerSettings s = {temperatures[r], top_ks[r], top_ps[r], static_cast<uint64_t>(seeds[r]),
                                      static_cast<uint32_t>(draws[r])};
    const std::string what = "sampler vocabulary " + std::to_string(vocabulary) + " temperature " +
                             std::to_string(s.temperature) + " top_k " + std::to_string(s.top_k) + " top_p " +
                             std::to_string(s.top_p);
    if (!drawable(row)) {
      expect_equal(what + ": no token of a row without a distribution", -1, found[r]);
      expect_equal(what + ": nor a log-probability", 1, std::isnan(found_log[r]));
      continue;
    }
    const int expected = reference.sample(row.data(), vocabulary, s);
    expect_near(what + " token in range", vocabulary / 2.0, found[r], vocabulary / 2.0);
    if (found[r] != expected && found[r] >= 0 && found[r] < vocabulary) {
      // A weight above 2^-40 has an exponent of at most 28, whose rounding moves it by 3 * 28 u, its exponential by
      // 2 u and the fixed point by 2^-40.
      const double slack = 2 * (90 * kUnit + vocabulary * 0x1p-40);
      const double outside =
          s.temperature == 0 || s.top_k == 1
              ? 1
              : distance_from_share(row, settings[r], gavel::uniform(s.seed, s.draw), found[r], slack);
      expect_near(what + ": another token than the reference", 0, outside, slack);
    }
    gavel::LogSum sum;
    gavel::reference_kernels().log_sum_exp(row.data(), vocabulary, &sum);
    const double expected_log = row[found[r]] - sum.log();
    expect_near(what + " log-probability", expected_log, found_log[r],
                (vocabulary + 32) * kUnit + 8 * kUnit * std::fabs(expected_log));
  }
}

// Rows that nothing can be drawn from, each under settings that take another way through the kernel, beside rows that
// are as usual.
void test_without_distribution() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const vector<Settings> settings = {{1, 0, 1}, {1, 0, 0.95f}, {0.7f, 20, 1}, {0.7f, 20, 0.9f}, {0, 0, 1}, {1, 1, 1}};
  for (const int vocabulary : {1, 1000, 9001}) {
    for (const float odd : {nan, -nan, INFINITY, -INFINITY}) {
      // Everything, or one logit of many; one of -infinity is a token that is ruled out.
      for (const bool all : {true, false}) {
        vector<vector<float>> rows;
        vector<Settings> twice;
        for (const Settings& one : settings) {
          vector<float> row = all ? vector<float>(vocabulary, odd) : randoms(vocabulary, 12);
          row[random_int(0, vocabulary - 1)] = odd;
          rows.push_back(row);
          rows.push_back(randoms(vocabulary, 12));
          twice.insert(twice.end(), 2, one);
        }
        test(-1, rows, twice);
      }
    }
  }
}

}  // namespace

void sweep_sampler() {
  const vector<Settings> settings = {{0, 0, 1},        {1, 0, 1},      {0.7f, 0, 0.95f}, {1, 50, 1},
                                     {1.3f, 20, 0.5f}, {5, 0, 0.999f}, {0.01f, 40, 1},   {2, 4500, 1},
                                     {3, 4500, 0.9f},  {1, 1, 0.5f},   {1, 0, 1e-6f},    {0.6f, 3, 0.99f}};
  for (const int vocabulary : {1, 13, 1000, 1025, 9001}) {
    for (const int type : {-1, random_int(GAVEL_CUDA_BF16, GAVEL_CUDA_FP16)}) {
      vector<vector<float>> rows;
      for (size_t r = 0; r < settings.size(); r++) {
        // Flat, usual, with many ties, with tokens that are ruled out.
        rows.push_back(randoms(vocabulary, r % 4 == 0 ? 0.01f : 12.0f));
        for (int i = 0; i < vocabulary && r % 4 >= 2; i++) {
          rows[r][i] = r % 4 == 2 ? std::round(rows[r][i]) : i % 3 == 1 ? -INFINITY : rows[r][i];
        }
      }
      test(type, rows, settings);
    }
  }
  // Temperatures whose inverse is beyond fp32, and about as near to none.
  const float least = std::numeric_limits<float>::denorm_min();
  const float most = std::numeric_limits<float>::max();
  test(-1, vector<vector<float>>(4, randoms(3000, 12)), {{least, 0, 1}, {least, 9, 0.5f}, {most, 0, 1}, {most, 9, 1}});
  test_without_distribution();
  // Everything equal: the order of the tokens decides.
  test(-1, vector<vector<float>>(4, vector<float>(6000, -0.0f)), {{1, 0, 1}, {1, 5000, 1}, {1, 0, 0.9f}, {0, 0, 1}});
}

}  // namespace sweep
