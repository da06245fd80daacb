#include "cuda/measure.h"

#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "cuda/precision.h"

namespace gavel {

namespace {

constexpr int kTogether = 10;  // launches between two marks
constexpr size_t kPiece = size_t{1} << 20;

// Two marks on a device's stream.
class Span {
 public:
  explicit Span(const Device& device) : device_(device) {
    for (void*& mark : marks_) {
      device.require(device.functions().create_mark(&mark));
    }
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;
  ~Span() {
    for (void* mark : marks_) {
      device_.functions().release_mark(mark);
    }
  }

  double seconds(const std::function<void()>& between) const {
    double result = 0;
    device_.require(device_.functions().record_mark(marks_[0], device_.stream()));
    between();
    device_.require(device_.functions().record_mark(marks_[1], device_.stream()));
    device_.require(device_.functions().seconds_between(marks_[0], marks_[1], &result));
    return result;
  }

 private:
  const Device& device_;
  void* marks_[2] = {};
};

double fastest(const Device& device, double seconds, const std::function<void()>& once) {
  const Span span(device);
  once();  // whatever is set up at the first call
  double best = 1e30;
  double total = 0;
  do {
    const double together = span.seconds([&] {
      for (int i = 0; i < kTogether; i++) {
        once();
      }
    });
    best = std::min(best, together / kTogether);
    total += together;
  } while (total < seconds);
  return best;
}

void fill(const Device& device, const DeviceMemory& memory, int32_t type) {
  const std::vector<uint8_t> piece = random_piece(type);
  for (size_t begin = 0; begin < memory.bytes(); begin += piece.size()) {
    device.copy(memory.data<char>() + begin, piece.data(), std::min(piece.size(), memory.bytes() - begin));
  }
  device.synchronize();
}

}  // namespace

std::vector<uint8_t> random_piece(int32_t type) {
  std::minstd_rand generator(1);
  std::vector<uint8_t> piece(kPiece);
  for (size_t i = 0; i < piece.size(); i++) {
    const auto random = static_cast<uint8_t>(generator() >> 8);
    const bool upper = type == GAVEL_CUDA_FP8 || i % 2 == 1;  // the byte of sign and exponent
    piece[i] = !upper                    ? (type == GAVEL_CUDA_BF16 ? random | 0x80u : random)
               : type == GAVEL_CUDA_FP8  ? (random & 0x87u) | 0x38u
               : type == GAVEL_CUDA_FP16 ? (random & 0x83u) | 0x3Cu
                                         : (random & 0x80u) | 0x3Fu;
  }
  return piece;
}

double product_seconds(const Device& device, Products& products, const MeasuredProduct& p, double seconds) {
  const Precision precision(p.quantization);
  const int32_t type = precision.fp8 ? GAVEL_CUDA_FP8 : precision.type;
  const size_t element = precision.fp8 ? 1 : kHalfBytes;
  DeviceMemory in(device), weight(device), out(device), scales(device);
  in.reserve(static_cast<size_t>(p.m) * p.k * element);
  weight.reserve(static_cast<size_t>(p.n) * p.k * element);
  out.reserve(static_cast<size_t>(p.m) * p.n * kHalfBytes);
  fill(device, in, type);
  fill(device, weight, type);
  const std::vector<float> ones(std::max(p.m, p.n), 1.0f);
  scales.reserve(ones.size() * sizeof(float));
  device.copy(scales.data(), ones.data(), ones.size() * sizeof(float));
  const Product product = {type,
                           p.m,
                           p.n,
                           p.k,
                           in.data(),
                           weight.data(),
                           out.data(),
                           p.n,
                           false,
                           scales.data<float>(),
                           scales.data<float>()};
  return fastest(device, seconds, [&] { products.multiply(product, device.stream()); });
}

double copy_seconds(const Device& device, int64_t bytes, double seconds) {
  DeviceMemory from(device), to(device);
  from.reserve(bytes);
  to.reserve(bytes);
  device.fill(from.data(), 1, bytes);
  return fastest(device, seconds, [&] { device.copy(to.data(), from.data(), bytes); });
}

}  // namespace gavel
