// Kernels whose unit is a row: conversions, rms_norm, swiglu, rope.
#include <algorithm>
#include <cmath>

#include "device/types.h"
#include "kernels/kernels.h"
#include "sweep.h"

namespace sweep {

namespace {

constexpr int kTypes[] = {GAVEL_CUDA_BF16, GAVEL_CUDA_FP16};

float decode8(int type, uint8_t bits) {
  return type == GAVEL_CUDA_FP8 ? gavel::cuda::to_float(gavel::cuda::Fp8{bits})
                                : static_cast<float>(static_cast<int8_t>(bits));
}

// A row as a kernel wrote it, of `type` or quantized, against doubles. fp32_error: relative, of the values before
// they are rounded.
void check_row(const std::string& what, int type, const vector<double>& expected, const uint8_t* bytes, float scale,
               double fp32_error) {
  const size_t width = expected.size();
  const bool wide = type == GAVEL_CUDA_BF16 || type == GAVEL_CUDA_FP16;
  double most = 0;
  for (double value : expected) {
    most = std::max(most, std::fabs(value));
  }
  const double limit = type == GAVEL_CUDA_FP8 ? 448 : 127;
  if (!wide) {
    expect_near(what + " scale", most / limit, scale, most / limit * (fp32_error + 2 * kUnit));
  }
  for (size_t i = 0; i < width; i++) {
    // Error of the fp32 value; of a quantized one also the two roundings of its division.
    const double error = std::fabs(expected[i]) * (fp32_error + 4 * kUnit);
    if (wide) {
      uint16_t bits;
      std::memcpy(&bits, bytes + 2 * i, 2);
      expect_near(what, expected[i], decode(type, bits), error + rounding(type, expected[i]));
      continue;
    }
    const double found = static_cast<double>(decode8(type, bytes[i])) * scale;
    const double step = most / limit;  // of int8; the least step of fp8 is step * 2^-9
    const double quantum =
        type == GAVEL_CUDA_INT8 ? step / 2 : std::max(std::fabs(expected[i]) * 0x1p-4, step * 0x1p-10);
    expect_near(what, expected[i], found, quantum * (1 + 4 * kUnit) + error * 2 + most * (fp32_error + 4 * kUnit));
  }
}

// Rows of a kernel's output: type or quantized.
struct Output {
  Output(int out_type, int out_rows, int out_width)
      : type(out_type),
        rows(out_rows),
        width(out_width),
        element(out_type == GAVEL_CUDA_FP8 || out_type == GAVEL_CUDA_INT8 ? 1 : 2),
        bytes(static_cast<size_t>(out_rows) * out_width * element),
        scales(out_rows) {}

  void check(const std::string& what, int row, const vector<double>& expected, double fp32_error) {
    if (read_bytes.empty()) {
      read_bytes = bytes.read();
      read_scales = scales.read();
    }
    check_row(what, type, expected, read_bytes.data() + static_cast<size_t>(row) * width * element, read_scales[row],
              fp32_error);
  }

  // Arguments of a kernel that writes it from rows of `in_type`.
  template <typename Args>
  Args args(int in_type) const {
    Args args{};
    args.type = in_type;
    args.out_type = type;
    args.rows = rows;
    args.width = width;
    args.out = bytes.data();
    args.scales = scales.data();
    return args;
  }

  int type;
  int rows;
  int width;
  int element;
  Array<uint8_t> bytes;
  Array<float> scales;
  vector<uint8_t> read_bytes;
  vector<float> read_scales;
};

void test_rms_norm(int type, int out_type, int rows, int width, bool gathered) {
  const int sources = gathered ? rows + 5 : rows;
  const bool with_delta = coin();
  const bool with_residual = gathered || coin();
  const vector<float> residual = rounded(type, randoms(static_cast<size_t>(sources) * width, 3));
  const vector<float> delta = rounded(type, randoms(static_cast<size_t>(sources) * width, 1));
  const vector<float> weight = rounded(type, randoms(width, 2));
  vector<int32_t> gather;
  for (int i = 0; i < rows; i++) {
    gather.push_back(gathered ? random_int(0, sources - 1) : i);
  }
  const float epsilon = 1e-5f;
  const Array<uint16_t> device_residual(encode(type, residual));
  const Array<uint16_t> device_delta(encode(type, delta));
  const Array<uint16_t> device_weight(encode(type, weight));
  const Array<int32_t> device_gather(gather);
  const Array<uint16_t> residual_out(static_cast<size_t>(rows) * width);
  Output out(out_type, rows, width);
  auto args = out.args<gavel_cuda_rms_norm>(type);
  args.gather = gathered ? device_gather.data() : nullptr;
  args.residual = device_residual.data();
  args.delta = with_delta ? device_delta.data() : nullptr;
  args.residual_out = with_residual ? residual_out.data() : nullptr;
  args.weight = device_weight.data();
  args.epsilon = epsilon;
  Output plain(type, rows, width);
  const bool with_plain = out_type != type && coin();
  args.out_plain = with_plain ? plain.bytes.data() : nullptr;
  require(table().rms_norm(&args, stream()), "rms_norm");
  const vector<uint16_t> sums = residual_out.read();
  const std::string what = "rms_norm " + name(type) + " to " + std::to_string(out_type) + " width " +
                           std::to_string(width) + (gathered ? " gathered" : "");
  for (int i = 0; i < rows; i++) {
    vector<float> x(width);
    for (int j = 0; j < width; j++) {
      const size_t at = static_cast<size_t>(gather[i]) * width + j;
      x[j] = with_delta ? decode(type, encode(type, residual[at] + delta[at])) : residual[at];
      if (with_residual) {
        expect_equal(what + " residual", encode(type, x[j]), sums[static_cast<size_t>(i) * width + j]);
      }
    }
    vector<float> normed(width);
    gavel::reference_kernels().rms_norm({x.data(), width, 1, width, weight.data(), epsilon, normed.data(), width});
    const vector<double> expected(normed.begin(), normed.end());
    out.check(what, i, expected, (width + 8) * kUnit);
    if (with_plain) {
      plain.check(what + ", plain", i, expected, (width + 8) * kUnit);
    }
  }
}

void test_swiglu(int type, int out_type, int rows, int width) {
  const vector<float> gate_up = rounded(type, randoms(static_cast<size_t>(rows) * 2 * width, 6));
  const Array<uint16_t> input(encode(type, gate_up));
  Output out(out_type, rows, width);
  auto args = out.args<gavel_cuda_swiglu>(type);
  args.gate_up = input.data();
  require(table().swiglu(&args, stream()), "swiglu");
  for (int i = 0; i < rows; i++) {
    vector<double> expected(width);
    for (int j = 0; j < width; j++) {
      const double gate = gate_up[static_cast<size_t>(i) * 2 * width + j];
      expected[j] = gate / (1 + std::exp(-gate)) * gate_up[static_cast<size_t>(i) * 2 * width + width + j];
    }
    out.check("swiglu " + name(type) + " to " + std::to_string(out_type) + " width " + std::to_string(width), i,
              expected, 12 * kUnit);
  }
}

void test_quantize(int type, int out_type, int rows, int width) {
  vector<float> values = rounded(type, randoms(static_cast<size_t>(rows) * width, 5));
  for (int j = 0; j < width; j++) {
    values[j] = 0;  // a row of zeros has the scale zero
  }
  const Array<uint16_t> input(encode(type, values));
  Output out(out_type, rows, width);
  auto args = out.args<gavel_cuda_quantize>(type);
  args.in = input.data();
  require(table().quantize(&args, stream()), "quantize");
  for (int i = 0; i < rows; i++) {
    const float* row = values.data() + static_cast<size_t>(i) * width;
    out.check("quantize " + name(type) + " to " + std::to_string(out_type) + " width " + std::to_string(width), i,
              vector<double>(row, row + width), 0);
  }
}

struct RopeShape {
  int rows;
  int heads;
  int kv_heads;
  int dim;
  bool bias;
  bool norm;
};

void test_rope(int type, const RopeShape& s) {
  const int all = s.heads + 2 * s.kv_heads;
  const int positions = 50;
  const int slots = s.rows + 9;
  const float epsilon = 1e-6f;
  const vector<float> qkv = rounded(type, randoms(static_cast<size_t>(s.rows) * all * s.dim, 2));
  const vector<float> bias = rounded(type, randoms(static_cast<size_t>(all) * s.dim));
  const vector<float> query_norm = rounded(type, randoms(s.dim, 2));
  const vector<float> key_norm = rounded(type, randoms(s.dim, 2));
  vector<float> cosines;
  vector<float> sines;
  for (float angle : randoms(static_cast<size_t>(positions) * s.dim / 2, 3)) {
    cosines.push_back(std::cos(angle));
    sines.push_back(std::sin(angle));
  }
  vector<int32_t> position;
  vector<int32_t> slot(slots);
  for (int i = 0; i < slots; i++) {
    slot[i] = i;
  }
  for (int i = 0; i < s.rows; i++) {
    position.push_back(random_int(0, positions - 1));
    std::swap(slot[i], slot[random_int(i, slots - 1)]);
  }
  slot.resize(s.rows);
  const Array<uint16_t> d_qkv(encode(type, qkv)), d_bias(encode(type, bias)), d_qn(encode(type, query_norm)),
      d_kn(encode(type, key_norm));
  const Array<float> d_cosines(cosines), d_sines(sines);
  const Array<int32_t> d_position(position), d_slot(slot);
  const Array<uint16_t> queries(static_cast<size_t>(s.rows) * s.heads * s.dim);
  const Array<uint16_t> keys(static_cast<size_t>(slots) * s.kv_heads * s.dim);
  const Array<uint16_t> values(static_cast<size_t>(slots) * s.kv_heads * s.dim);
  gavel_cuda_rope args{};
  args.type = type;
  args.rows = s.rows;
  args.heads = s.heads;
  args.kv_heads = s.kv_heads;
  args.head_dim = s.dim;
  args.qkv = d_qkv.data();
  args.bias = s.bias ? d_bias.data() : nullptr;
  args.query_norm = s.norm ? d_qn.data() : nullptr;
  args.key_norm = s.norm ? d_kn.data() : nullptr;
  args.epsilon = epsilon;
  args.positions = d_position.data();
  args.cosines = d_cosines.data();
  args.sines = d_sines.data();
  args.slots = d_slot.data();
  args.queries = queries.data();
  args.keys = keys.data();
  args.values = values.data();
  require(table().rope(&args, stream()), "rope");
  const vector<float> found_queries = decode(type, queries.read());
  const vector<float> found_keys = decode(type, keys.read());
  const vector<float> found_values = decode(type, values.read());
  const std::string what = "rope " + name(type) + " dim " + std::to_string(s.dim);
  int written = 0;
  for (float value : found_keys) {
    written += !std::isnan(value);
  }
  expect_equal(what + " slots", static_cast<int64_t>(s.rows) * s.kv_heads * s.dim, written);
  for (int r = 0; r < s.rows; r++) {
    for (int h = 0; h < all; h++) {
      const bool is_query = h < s.heads;
      const bool is_value = h >= s.heads + s.kv_heads;
      vector<float> x(s.dim);
      for (int d = 0; d < s.dim; d++) {
        x[d] = qkv[(static_cast<size_t>(r) * all + h) * s.dim + d] + (s.bias ? bias[h * s.dim + d] : 0);
      }
      const vector<float>& gain = is_query ? query_norm : key_norm;
      if (s.norm && !is_value) {
        gavel::reference_kernels().rms_norm({x.data(), s.dim, 1, s.dim, gain.data(), epsilon, x.data(), s.dim});
      }
      double size = 0;
      for (float value : x) {
        size = std::max(size, std::fabs(static_cast<double>(value)));
      }
      if (!is_value) {
        gavel::reference_kernels().rope(
            {x.data(), 1, s.dim, cosines.data() + position[r] * s.dim / 2, sines.data() + position[r] * s.dim / 2});
      }
      const int kv_head = h - s.heads - (is_value ? s.kv_heads : 0);
      const float* found = is_query ? found_queries.data() + (static_cast<size_t>(r) * s.heads + h) * s.dim
                                    : (is_value ? found_values : found_keys).data() +
                                          (static_cast<size_t>(slot[r]) * s.kv_heads + kv_head) * s.dim;
      for (int d = 0; d < s.dim; d++) {
        expect_near(what, x[d], found[d], (s.dim + 16) * kUnit * 2 * size + rounding(type, x[d]));
      }
    }
  }
}

}  // namespace

void sweep_types() {
  using namespace gavel::cuda;
  for (uint32_t bits = 0; bits < 65536; bits++) {
    const auto element = static_cast<uint16_t>(bits);
    for (const int type : kTypes) {
      const float value = decode(type, element);
      if (!std::isnan(value)) {
        expect_equal("round trip " + name(type), element, encode(type, value));
      }
      // Halfway to the next element goes to the even one, a little more goes up.
      const float next = decode(type, static_cast<uint16_t>(element + 1));
      if (std::isfinite(value) && std::isfinite(next) && (bits & 0x7FFFu) != 0x7FFFu) {
        const float half = (value + next) / 2;  // exact in fp32 but for the least bf16
        if (static_cast<double>(half) * 2 == static_cast<double>(value) + next && half != value) {
          expect_equal("halfway " + name(type), element + (element & 1), encode(type, half));
          expect_equal("above " + name(type), element + 1, encode(type, std::nextafter(half, next)));
        }
      }
    }
  }
  for (uint32_t bits = 0; bits < 127; bits++) {
    const float value = to_float(Fp8{static_cast<uint8_t>(bits)});
    expect_equal("round trip fp8", bits, from_float<Fp8>(value).bits);
    expect_equal("sign fp8", bits | 0x80u, from_float<Fp8>(-value).bits);
    if (bits < 126) {
      const float half = (value + to_float(Fp8{static_cast<uint8_t>(bits + 1)})) / 2;
      expect_equal("halfway fp8", bits + (bits & 1), from_float<Fp8>(half).bits);
      expect_equal("above fp8", bits + 1, from_float<Fp8>(std::nextafter(half, 1000.0f)).bits);
    }
  }
  expect_near("largest fp8", 448, to_float(from_float<Fp8>(1e9f)), 0);
  expect_near("least fp8", 0x1p-9, to_float(Fp8{1}), 0);
  expect_near("largest fp16", 65504, decode(GAVEL_CUDA_FP16, 0x7BFF), 0);
  expect_near("one fp16", 1, decode(GAVEL_CUDA_FP16, 0x3C00), 0);
  expect_near("one bf16", 1, decode(GAVEL_CUDA_BF16, 0x3F80), 0);
}

void sweep_rms_norm() {
  for (const int type : kTypes) {
    for (const int out_type : {type, GAVEL_CUDA_FP8, GAVEL_CUDA_INT8}) {
      for (const int width : {8, 64, 576, 1024, 1032, 4096, 4104}) {
        test_rms_norm(type, out_type, random_int(1, 13), width, coin());
      }
    }
    test_rms_norm(type, type, 2, 16392, false);
  }
  gavel_cuda_rms_norm bad{};
  bad.width = 12;
  bad.residual = bad.weight = bad.out = &bad;
  expect_refused(table().rms_norm(&bad, stream()), "width: expected a multiple of 8");
  bad.out_plain = &bad;
  expect_refused(table().rms_norm(&bad, stream()), "expected a quantized output beside out_plain");
  bad.out_plain = nullptr;
  bad.type = bad.out_type = 9;
  expect_refused(table().rms_norm(&bad, stream()), "type: expected");
}

void sweep_swiglu() {
  for (const int type : kTypes) {
    for (const int out_type : {type, GAVEL_CUDA_FP8, GAVEL_CUDA_INT8}) {
      for (const int width : {8, 200, 1024, 1536, 4104}) {
        test_swiglu(type, out_type, random_int(1, 11), width);
      }
    }
  }
}

void sweep_quantize() {
  for (const int type : kTypes) {
    for (const int out_type : {GAVEL_CUDA_FP8, GAVEL_CUDA_INT8}) {
      for (const int width : {8, 200, 1024, 4104, 16392}) {
        test_quantize(type, out_type, random_int(1, 9), width);
      }
    }
  }
  gavel_cuda_quantize bad{};
  bad.width = 8;
  bad.in = bad.out = &bad;
  expect_refused(table().quantize(&bad, stream()), "out_type: expected 2 (fp8) or 3 (int8), found 0");
  bad.out_type = GAVEL_CUDA_FP8;
  expect_refused(table().quantize(&bad, stream()), "scales");
}

void sweep_rope() {
  for (const int type : kTypes) {
    for (const int dim : {16, 48, 64, 80, 128, 256}) {
      const int kv_heads = random_int(1, 3);
      test_rope(type, {random_int(1, 13), kv_heads * random_int(1, 3), kv_heads, dim, coin(), coin()});
    }
  }
}

}  // namespace sweep
