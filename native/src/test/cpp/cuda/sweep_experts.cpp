// Routing, grouped products and their sum, and the accumulation over sampled paths.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "device/types.h"
#include "sweep.h"

namespace sweep {

namespace {

// Rows that fill up the launch come behind `rows`.
void test_routing(int rows, int experts, int picks, bool normalize, int filler = 0) {
  vector<float> logits = randoms(static_cast<size_t>(rows) * experts, 4);
  for (size_t i = 0; i < logits.size() && rows > 3; i++) {
    logits[i] = i / experts % 3 == 1 ? std::round(logits[i]) : logits[i];  // ties
  }
  vector<float> all_logits = logits;
  all_logits.resize(logits.size() + static_cast<size_t>(filler) * experts, kPoison);
  const Array<float> d_logits(all_logits), weights(static_cast<size_t>(rows) * picks);
  const Array<int32_t> chosen(static_cast<size_t>(rows) * picks), begins(experts + 1),
      order(static_cast<size_t>(rows) * picks), live(vector<int32_t>{rows});
  gavel_cuda_routing args{};
  args.rows = rows + filler;
  args.live_rows = filler > 0 ? live.data() : nullptr;
  args.experts = experts;
  args.picks = picks;
  args.normalize = normalize;
  args.logits = d_logits.data();
  args.weights = weights.data();
  args.chosen = chosen.data();
  args.begins = begins.data();
  args.order = order.data();
  require(table().routing(&args, stream()), "routing");
  const vector<float> found_weights = weights.read();
  const vector<int32_t> found_chosen = chosen.read();
  const std::string what = "routing rows " + std::to_string(rows) + " experts " + std::to_string(experts);
  for (int r = 0; r < rows; r++) {
    const float* row = logits.data() + static_cast<size_t>(r) * experts;
    vector<int> best(experts);
    std::iota(best.begin(), best.end(), 0);
    std::stable_sort(best.begin(), best.end(), [&](int a, int b) { return row[a] > row[b]; });
    double total = 0;
    double kept = 0;
    for (int i = 0; i < experts; i++) {
      total += std::exp(static_cast<double>(row[best[i]]));
      kept += i < picks ? std::exp(static_cast<double>(row[best[i]])) : 0;
    }
    for (int p = 0; p < picks; p++) {
      const double expected = std::exp(static_cast<double>(row[best[p]])) / (normalize ? kept : total);
      expect_equal(what, best[p], found_chosen[static_cast<size_t>(r) * picks + p]);
      expect_near(what + " weight", expected, found_weights[static_cast<size_t>(r) * picks + p],
                  expected * (experts + 48) * kUnit);
    }
  }
  vector<int32_t> expected_order(static_cast<size_t>(rows) * picks);
  std::iota(expected_order.begin(), expected_order.end(), 0);
  std::stable_sort(expected_order.begin(), expected_order.end(),
                   [&](int a, int b) { return found_chosen[a] < found_chosen[b]; });
  const vector<int32_t> found_order = order.read();
  for (size_t i = 0; i < found_order.size(); i++) {
    expect_equal(what + " order", expected_order[i], found_order[i]);
  }
  const vector<int32_t> found_begins = begins.read();
  for (int e = 0; e <= experts; e++) {
    expect_equal(what + " begins",
                 std::count_if(found_chosen.begin(), found_chosen.end(), [&](int c) { return c < e; }),
                 found_begins[e]);
  }
}

struct GroupedShape {
  int type;
  bool swiglu;
  int rows;
  int picks;
  int experts;
  int k;
  int columns;
  bool fp8;  // rows and weights

  std::string describe() const {
    return "grouped_gemm " + name(type) + (swiglu ? " swiglu" : "") + (fp8 ? " of fp8" : "") + " pairs " +
           std::to_string(rows * picks) + " k " + std::to_string(k) + " columns " + std::to_string(columns);
  }
};

// Rows of a 16-bit type, or of any e4m3, subnormal and largest ones too, with a scale each.
struct Rows {
  Rows(const GroupedShape& s, size_t rows)
      : bytes(rows * s.k * (s.fp8 ? 1 : 2)), values(rounded(s.type, randoms(rows * s.k))), scales(rows, 1) {
    if (!s.fp8) {
      const vector<uint16_t> bits = encode(s.type, values);
      std::memcpy(bytes.data(), bits.data(), bytes.size());
      return;
    }
    for (size_t i = 0; i < bytes.size(); i++) {
      bytes[i] = static_cast<uint8_t>(random_int(0, 1) * 128 + random_int(0, 126));
      values[i] = gavel::cuda::to_float(gavel::cuda::Fp8{bytes[i]});
    }
    for (float& scale : scales) {
      scale = 0.001f * static_cast<float>(random_int(1, 4));
    }
  }
  vector<uint8_t> bytes;
  vector<float> values;  // without the scale
  vector<float> scales;
};

// What a product of two rows is, and what a kernel may be off by.
struct Dot {
  double value = 0;
  double error = 0;

  // Tensor cores may cut, not round, what falls off a sum: twice the bound. Those that take e4m3 shift the 32 products
  // of a step and the sum so far to where the largest of them begins and keep 12 bits behind it at least.
  Dot(const GroupedShape& s, const Rows& rows, size_t row, const Rows& weight, size_t column) {
    constexpr int kStep = 32;
    const float* x = rows.values.data() + row * s.k;
    const float* w = weight.values.data() + column * s.k;
    double size = 0;
    double cut = 0;
    for (int begin = 0; begin < s.k; begin += kStep) {
      double largest = std::fabs(value);
      for (int i = begin; i < std::min(begin + kStep, s.k); i++) {
        const double product = static_cast<double>(x[i]) * w[i];
        value += product;
        size += std::fabs(product);
        largest = std::max(largest, std::fabs(product));
      }
      cut += (kStep + 1) * 0x1p-12 * largest;
    }
    const double scale = static_cast<double>(rows.scales[row]) * weight.scales[column];
    error = (2 * s.k * kUnit * size + (s.fp8 ? cut + 2 * kUnit * std::fabs(value) : 0)) * scale;
    value *= scale;
  }
};

void test_grouped(const GroupedShape& s) {
  const int pairs = s.rows * s.picks;
  const int inputs = s.swiglu ? s.rows : pairs;
  const int outputs = s.swiglu ? 2 * s.columns : s.columns;
  vector<int32_t> chosen;
  for (int p = 0; p < pairs; p++) {
    // Some experts get nothing, one gets much.
    chosen.push_back(coin() ? s.experts / 2 : random_int(0, (s.experts - 1) / 2 * 2));
  }
  vector<int32_t> order(pairs), begins(s.experts + 1);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return chosen[a] < chosen[b]; });
  for (int e = 0; e <= s.experts; e++) {
    begins[e] = static_cast<int32_t>(std::count_if(chosen.begin(), chosen.end(), [&](int c) { return c < e; }));
  }
  const Rows rows(s, inputs);
  const Rows weight(s, static_cast<size_t>(s.experts) * outputs);
  const Array<uint8_t> d_rows(rows.bytes), d_weight(weight.bytes);
  const Array<float> d_row_scales(rows.scales), d_weight_scales(weight.scales);
  const Array<uint16_t> out(static_cast<size_t>(pairs) * s.columns);
  const Array<int32_t> d_order(order), d_begins(begins);
  gavel_cuda_grouped_gemm args{};
  args.type = s.type;
  args.swiglu = s.swiglu;
  args.experts = s.experts;
  args.pairs = pairs;
  args.picks = s.picks;
  args.k = s.k;
  args.columns = s.columns;
  args.begins = d_begins.data();
  args.order = d_order.data();
  args.rows = d_rows.data();
  args.row_scales = s.fp8 ? d_row_scales.data() : nullptr;
  args.weight = d_weight.data();
  args.weight_scales = s.fp8 ? d_weight_scales.data() : nullptr;
  args.out = out.data();
  require(table().grouped_gemm(&args, stream()), "grouped_gemm");
  const vector<float> found = decode(s.type, out.read());
  for (int p = 0; p < pairs; p++) {
    const size_t row = s.swiglu ? p / s.picks : p;
    for (int c = 0; c < s.columns; c++) {
      const size_t column = static_cast<size_t>(chosen[p]) * outputs + c;
      const Dot dot(s, rows, row, weight, column);
      double expected = dot.value;
      double tolerance = dot.error;
      if (s.swiglu) {
        const Dot up(s, rows, row, weight, column + s.columns);
        const double gate = dot.value / (1 + std::exp(-dot.value));
        expected = gate * up.value;
        // silu's slope is at most 1.1.
        tolerance = 1.1 * dot.error * (std::fabs(up.value) + up.error) + up.error * std::fabs(gate) +
                    12 * kUnit * std::fabs(expected);
      }
      expect_near(s.describe(), expected, found[static_cast<size_t>(p) * s.columns + c],
                  tolerance + rounding(s.type, std::fabs(expected) + tolerance) * (1 + 1e-3));
    }
  }
}

void refuse_grouped() {
  const Array<float> scales(1);
  gavel_cuda_grouped_gemm bad{};
  bad.weight_scales = scales.data();
  bad.k = bad.columns = 8;
  expect_refused(table().grouped_gemm(&bad, stream()), "or neither, found those of weights");
  bad.row_scales = scales.data();
  expect_refused(table().grouped_gemm(&bad, stream()), "k to be a multiple of 16 and columns of 8, found 8 and 8");
}

void test_combine(int type, int rows, int picks, int width) {
  const vector<float> routed = rounded(type, randoms(static_cast<size_t>(rows) * picks * width));
  const vector<float> weights = randoms(static_cast<size_t>(rows) * picks);
  const Array<uint16_t> d_routed(encode(type, routed)), out(static_cast<size_t>(rows) * width);
  const Array<float> d_weights(weights);
  gavel_cuda_combine args{type, rows, picks, width, d_routed.data(), d_weights.data(), out.data()};
  require(table().combine(&args, stream()), "combine");
  const vector<float> found = decode(type, out.read());
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < width; c++) {
      double expected = 0;
      for (int p = r * picks; p < (r + 1) * picks; p++) {
        expected += static_cast<double>(weights[p]) * routed[static_cast<size_t>(p) * width + c];
      }
      expect_near("combine " + name(type), expected, found[static_cast<size_t>(r) * width + c],
                  picks * picks * kUnit + rounding(type, expected));
    }
  }
}

void test_paths(int items, int labels) {
  vector<int32_t> offsets{0};
  vector<float> logs;
  for (int i = 0; i < items; i++) {
    offsets.push_back(offsets.back() + random_int(1, 6));
    for (int p = offsets[i]; p < offsets[i + 1]; p++) {
      vector<float> weights = randoms(labels, 8);
      double sum = 0;
      for (float weight : weights) {
        sum += std::exp(static_cast<double>(weight));
      }
      for (float weight : weights) {
        logs.push_back(static_cast<float>(weight - std::log(sum)));
      }
    }
  }
  const float threshold = 0.5f + 0.01f * static_cast<float>(random_int(0, 40));
  const Array<int32_t> d_offsets(offsets), tiers(items);
  const Array<float> d_logs(logs), out(static_cast<size_t>(items) * labels);
  gavel_cuda_paths args{items, labels, d_offsets.data(), d_logs.data(), out.data(), threshold, tiers.data()};
  require(table().paths(&args, stream()), "paths");
  const vector<float> found = out.read();
  const vector<int32_t> found_tiers = tiers.read();
  for (int i = 0; i < items; i++) {
    double cumulative = 0;
    int tier = labels - 1;
    for (int l = 0; l < labels; l++) {
      double mean = 0;
      for (int p = offsets[i]; p < offsets[i + 1]; p++) {
        mean +=
            std::exp(static_cast<double>(logs[static_cast<size_t>(p) * labels + l])) / (offsets[i + 1] - offsets[i]);
      }
      const float value = found[static_cast<size_t>(i) * labels + l];
      expect_near("paths", std::log(mean), value, 2 * kUnit * (1 + std::fabs(std::log(mean))));
      if (offsets[i + 1] - offsets[i] == 1) {
        expect_near("paths, one", logs[static_cast<size_t>(offsets[i]) * labels + l], value, 0);
      }
      cumulative += std::exp(static_cast<double>(value));
      tier = l + 1 < labels && cumulative >= static_cast<double>(threshold) && tier == labels - 1 ? l : tier;
    }
    expect_equal("paths tier", tier, found_tiers[i]);
  }
}

}  // namespace

void sweep_paths() {
  for (const int labels : {1, 4, 33}) {
    test_paths(random_int(1, 13), labels);
  }
}

void sweep_experts() {
  for (const int experts : {1, 8, 60, 128, 200, 600}) {
    const int picks = random_int(1, std::min(experts, 9));
    test_routing(1, experts, picks, coin());
    test_routing(random_int(2, 70), experts, picks, coin());
    test_routing(random_int(2, 70), experts, picks, coin(), random_int(1, 40));
  }
  test_routing(3, 32, 32, true);
  for (const int type : {GAVEL_CUDA_BF16, GAVEL_CUDA_FP16}) {
    for (const bool swiglu : {true, false}) {
      for (const bool fp8 : {false, true}) {
        const int chunk = fp8 ? 16 : 8;
        test_grouped({type, swiglu, 1, 1, 3, chunk, 8, fp8});
        test_grouped({type, swiglu, random_int(2, 40), 3, 40, 9 * chunk, 72, fp8});
        test_grouped({type, swiglu, random_int(70, 90), 2, 5, 25 * chunk, 136, fp8});
      }
    }
    for (const int width : {8, 200, 1032}) {
      test_combine(type, random_int(1, 13), random_int(1, 8), width);
    }
  }
  gavel_cuda_routing bad{};
  bad.experts = 4;
  bad.picks = 5;
  expect_refused(table().routing(&bad, stream()), "picks: expected");
  refuse_grouped();
}

}  // namespace sweep
