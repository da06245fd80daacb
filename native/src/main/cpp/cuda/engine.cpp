#include "cuda/engine.h"

#include <algorithm>

#include "cuda/precision.h"
#include "support/error.h"

namespace gavel {

namespace {

constexpr int kHeadRowsMax = 128;  // query rows times heads of a KV head in a prefill tile
constexpr int kPartKeys = 256;     // least keys of a part of a decoded row
constexpr int kNodesMax = 64;      // inner nodes of a label trie
constexpr int kFp8Least = 89;      // compute capability, times ten

void require_multiple(const char* name, int value, int of, int most) {
  GAVEL_REQUIRE(value % of == 0 && value <= most, "cuda: %s: expected a multiple of %d, at most %d, found %d", name, of,
                most, value);
}

// The same for the share that each rank has of a width.
void require_shares(const Config& config, const char* name, int value, int of, int most) {
  const int ranks = std::max(config.ranks, 1);
  require_multiple(name, value, ranks * of, ranks * most);
}

// What the kernels want of a model; see gavel_cuda.h.
Config checked(const gavel_config& source) {
  Config config(source);
  GAVEL_REQUIRE(config.device_type == GAVEL_CUDA, "cuda: device_type: expected %d, found %d", GAVEL_CUDA,
                config.device_type);
  // Products in e4m3 take multiples of 16 and quantized rows of a width that the row kernels have.
  const bool fp8 = Precision(config.quantization).fp8;
  const int step = fp8 ? 16 : 8;
  require_multiple("hidden", config.hidden, step, 32768);
  require_multiple("head_dim", config.head_dim, 16, 128);
  require_shares(config, "intermediate", config.intermediate, step, 32768);
  if (fp8) {
    require_shares(config, "heads * head_dim", config.query_width(), step, 32768);
  }
  GAVEL_REQUIRE(config.group() <= kHeadRowsMax, "cuda: heads: expected at most %d for each of kv_heads, found %d",
                kHeadRowsMax, config.group());
  if (config.experts > 0) {
    require_shares(config, "expert_intermediate", config.expert_intermediate, step, 32768);
    GAVEL_REQUIRE(config.experts <= 1024 && config.experts_per_token <= 32,
                  "cuda: experts: expected at most 1024 and 32 of them for a token, found %d and %d", config.experts,
                  config.experts_per_token);
  }
  return config;
}

void require_fp8(const Device& device) {
  const gavel_cuda_device& found = device.properties();
  if (found.major * 10 + found.minor < kFp8Least) {
    fail(GAVEL_UNAVAILABLE,
         "cuda:%d: expected compute capability 8.9 or later for quantization fp8, found %d.%d (%s); it has bf16 and "
         "fp16",
         device.index(), found.major, found.minor, found.name);
  }
}

// Decoded rows are split over their keys until there are two blocks a multiprocessor.
TileLimits tile_limits(const Config& config, const gavel_cuda_device& device) {
  const int blocks = config.kv_heads * ((config.group() + 7) / 8);  // of a tile
  return {kHeadRowsMax / config.group(), (2 * device.multiprocessors + blocks - 1) / blocks, kPartKeys};
}

}  // namespace

DeviceEngine::Marks::Marks(const Device& of) : device(of) {
  for (void*& mark : at) {
    device.require(device.functions().create_mark(&mark));
  }
}

DeviceEngine::Marks::~Marks() {
  for (void* mark : at) {
    device.functions().release_mark(mark);
  }
}

void DeviceEngine::Marks::record(int mark) const {
  device.require(device.functions().record_mark(at[mark], device.stream()));
}

double DeviceEngine::Marks::seconds(int from) const {
  double result = 0;
  device.require(device.functions().seconds_between(at[from], at[from + 1], &result));
  return result;
}

DeviceEngine::DeviceEngine(const gavel_config& config, const gavel_cuda_table& functions,
                           std::unique_ptr<Products> products, std::shared_ptr<Collective> collective)
    : Engine(checked(config)),
      part_(config_.part()),
      collective_(std::move(collective)),
      device_(functions, config.device_index),
      products_(std::move(products)),
      weights_(config_, device_),
      batch_(part_, device_, tile_limits(part_, device_.properties())),
      marks_(device_),
      graphs_(device_) {
  if (weights_.precision().fp8) {
    require_fp8(device_);
  }
}

void DeviceEngine::take(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                        int64_t bytes) {
  device_.use();
  weights_.set(name, dtype, rank, shape, data, bytes);
}

void DeviceEngine::build() {
  device_.use();
  weights_.finish();
  auto forward = std::make_unique<DeviceForward>(part_, device_, weights_, *products_, collective_.get());
  head_ = std::make_unique<DeviceHead>(config_, device_, weights_, *products_);
  sum_once();
  forward_ = std::move(forward);
}

// NCCL connects with the first sum, which takes long and is no thing to do in a graph; and a rank that is missing is
// found here.
void DeviceEngine::sum_once() const {
  if (collective_ == nullptr) {
    return;
  }
  constexpr int64_t kElements = 8;
  DeviceMemory zeros(device_);
  zeros.reserve(kElements * sizeof(uint16_t));
  device_.fill(zeros.data(), 0, zeros.bytes());
  collective_->sum({zeros.data(), kElements, weights_.precision().dtype()}, device_);
  device_.synchronize();
  collective_->require_whole();
}

void DeviceEngine::compute(Plan& plan, gavel_outputs& outputs) {
  device_.use();
  const auto settle = [this] {
    // What is under way reads the staged arrays, which the next batch will write over.
    device_.functions().synchronize(device_.stream());
  };
  try {
    enqueue(plan);
    device_.synchronize();
  } catch (const Error& error) {
    settle();
    if (error.status() != GAVEL_CANCELLED) {
      graphs_.start_over();  // for want of memory LibTorch gives back workspaces that they may name
    }
    throw;
  } catch (...) {  // the host's own want of memory
    settle();
    graphs_.start_over();
    throw;
  }
  if (collective_ != nullptr) {
    collective_->require_whole();
  }
  head_->deliver(plan, batch_, outputs);
  outputs.prefill_seconds = marks_.seconds(0);
  outputs.head_seconds = marks_.seconds(1);
}

void DeviceEngine::enqueue(Plan& plan) {
  marks_.record(0);
  batch_.send(plan);
  forward_->reserve(batch_, plan.max_visible);
  head_->reserve(batch_);
  const auto run_layers = [this](const volatile int32_t* cancel) { forward_->run(batch_, cancel); };
  const auto run_head = [this] { head_->run(batch_, forward_->hidden(), forward_->normed()); };
  // A rank does not look at it, since the others would wait for its sums.
  const volatile int32_t* cancel = collective_ == nullptr ? plan.batch->cancel : nullptr;
  if (cancel != nullptr && *cancel != 0) {
    fail(GAVEL_CANCELLED, "batch: cancelled before its launch");
  }
  graphs_.select_none();
  if (batch_.rounded()) {
    graphs_.select(batch_.shape(), {[&] { run_layers(nullptr); }, run_head});
  }
  if (!graphs_.launch(Graphs::kLayers)) {
    run_layers(cancel);
  }
  marks_.record(1);
  if (!graphs_.launch(Graphs::kHead)) {
    run_head();
  }
  marks_.record(2);
}

const char* DeviceEngine::overflow_hint() const {
  return weights_.precision().type == GAVEL_CUDA_FP16
             ? "; this model's values may be beyond those of fp16, up to 65504: bf16 holds them"
             : "";
}

void DeviceEngine::prepare(Labels& labels) const {
  GAVEL_REQUIRE(labels.nodes().size() <= kNodesMax,
                "cuda: label forms: expected at most %d inner nodes of their trie, found %zu", kNodesMax,
                labels.nodes().size());
}

Engine::Sizes DeviceEngine::sizes() const {
  return {weights_.parameters(), weights_.bytes(), forward_ == nullptr ? 0 : forward_->pool_bytes(),
          forward_ == nullptr ? 0 : forward_->bytes_per_token()};
}

int64_t DeviceEngine::workspace_bytes() const {
  return forward_->workspace_bytes() + head_->workspace_bytes() + batch_.bytes();
}

}  // namespace gavel
