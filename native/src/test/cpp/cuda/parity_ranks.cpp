#include "parity_ranks.h"

#include <atomic>
#include <cmath>
#include <cstdio>
#include <future>
#include <random>
#include <string>

#include "host_products.h"
#include "nccl_on_host.h"
#include "parity_batch.h"
#include "parity_model.h"
#include "support/error.h"

namespace parity {

namespace {

constexpr int32_t kDevices[] = {0, 1, 2, 3};

template <typename F>
void expect_failure(const std::string& what, int32_t status, const std::string& text, const F& body) {
  int32_t found = GAVEL_OK;
  std::string message = "no failure";
  try {
    body();
  } catch (const gavel::Error& error) {
    found = error.status();
    message = error.what();
  }
  expect(found == status && message.find(text) != std::string::npos,
         what + ": expected status " + std::to_string(status) + " and \"" + text + "\", found " +
             std::to_string(found) + ", " + message);
}

const gavel::nccl::Api& nccl() {
  static const gavel::nccl::Api api = nccl_on_host();
  return api;
}

gavel_config over(gavel_config config, int ranks) {
  config.ranks = ranks;
  config.rank_devices = kDevices;
  return config;
}

// What the products of a test do at every call, from a moment on.
enum class Fault { kNone, kFails, kHangs };

struct Faults {
  std::atomic<Fault> of_rank[4] = {};
  std::promise<void> release;  // ends hangs
  std::shared_future<void> released = release.get_future().share();
};

class FaultyProducts : public PlainProducts {
 public:
  FaultyProducts(std::shared_ptr<Faults> faults, int rank) : faults_(std::move(faults)), rank_(rank) {}

  void multiply(const gavel::Product& product, void* stream) override {
    const Fault fault = faults_->of_rank[rank_];
    if (fault == Fault::kHangs) {
      faults_->released.wait();
    }
    if (fault != Fault::kNone) {
      gavel::fail(GAVEL_RESOURCE_EXHAUSTED, "no product on rank %d", rank_);
    }
    PlainProducts::multiply(product, stream);
  }

 private:
  const std::shared_ptr<Faults> faults_;
  const int rank_;
};

// A loaded group of two whose ranks can be made to fail.
class Group {
 public:
  Group(const gavel_cuda_table& functions, const Checkpoint& checkpoint, int timeout_ms) {
    int32_t devices[] = {0, 1};
    gavel_config config = over(checkpoint.config, 2);
    config.rank_devices = devices;
    config.rank_timeout_ms = timeout_ms;
    logits_.resize(config.vocabulary);
    engine_ = std::make_unique<gavel::GroupEngine>(
        config, nccl(), [&, shared = faults](const gavel_config& own, std::shared_ptr<gavel::Collective> collective) {
          return std::make_unique<gavel::DeviceEngine>(
              own, functions, std::make_unique<FaultyProducts>(shared, own.rank), std::move(collective));
        });
    devices[0] = devices[1] = -1;  // they were the caller's
    checkpoint.load(*engine_);
  }

  // One sequence and its logits.
  void run() {
    Batch batch;
    batch.add({1, 2, 3}, -1, {}, -1, GAVEL_OUTPUT_LOGITS);
    gavel_outputs outputs{};
    outputs.logits = logits_.data();
    engine_->run(batch.view(false), nullptr, outputs);
  }

  const std::vector<float>& logits() const { return logits_; }

  const std::shared_ptr<Faults> faults = std::make_shared<Faults>();

 private:
  std::vector<float> logits_;
  std::unique_ptr<gavel::GroupEngine> engine_;
};

void check_refusals(const gavel_cuda_table& functions, const gavel_config& shape) {
  const auto make = [&](const gavel_config& config, int ranks) { group(functions, config, ranks); };
  expect_failure("three ranks", GAVEL_INVALID_ARGUMENT, "kv_heads: expected a multiple of the 3 ranks, found 4",
                 [&] { make(shape, 3); });
  gavel_config narrow = shape;
  narrow.intermediate = 40;
  expect_failure("a share of 20", GAVEL_INVALID_ARGUMENT, "intermediate: expected a multiple of 16",
                 [&] { make(narrow, 2); });
  const int32_t twice[] = {1, 1};
  gavel_config again = over(shape, 2);
  again.rank_devices = twice;
  const gavel::GroupEngine::Maker never = [](const gavel_config&, std::shared_ptr<gavel::Collective>) {
    return std::unique_ptr<gavel::DeviceEngine>();
  };
  expect_failure("a device twice", GAVEL_INVALID_ARGUMENT, "cuda:1+1: expected each device once",
                 [&] { gavel::GroupEngine(again, nccl(), never); });
  gavel_config on_cpu = over(shape, 2);
  on_cpu.device_type = GAVEL_CPU;
  on_cpu.quantization = GAVEL_QUANTIZATION_FP32;
  expect_failure("ranks on a CPU", GAVEL_INVALID_ARGUMENT, "ranks: expected 1 on a CPU, found 2",
                 [&] { gavel::Engine::create(on_cpu); });
  gavel_config alone = over(shape, 2);
  alone.rank_devices = nullptr;
  expect_failure("ranks that cannot sum", GAVEL_INVALID_ARGUMENT, "found neither",
                 [&] { gavel::Engine::create(alone); });
  gavel_cuda_table mixed = functions;
  mixed.device_info = [](int32_t device, gavel_cuda_device* info) {
    const int32_t status = gavel_cuda(GAVEL_CUDA_VERSION)->device_info(device, info);
    info->name[0] = static_cast<char>('A' + device);
    return status;
  };
  expect_failure("devices of two kinds", GAVEL_INVALID_ARGUMENT, "cuda:0+1: expected devices of one kind",
                 [&] { group(mixed, shape, 2); });
}

void check_failures(const gavel_cuda_table& functions, const Checkpoint& checkpoint) {
  {
    Group whole(functions, checkpoint, 0);
    whole.run();
    const std::vector<float> before = whole.logits();
    whole.faults->of_rank[0] = whole.faults->of_rank[1] = Fault::kFails;
    expect_failure("all ranks fail", GAVEL_RESOURCE_EXHAUSTED, "no product on rank", [&] { whole.run(); });
    whole.faults->of_rank[0] = whole.faults->of_rank[1] = Fault::kNone;
    whole.run();
    expect(before == whole.logits(), "all ranks failed: expected the group to go on");
  }
  for (const int rank : {0, 1}) {
    Group lame(functions, checkpoint, 300);
    lame.faults->of_rank[rank] = Fault::kFails;
    expect_failure("a rank fails", GAVEL_RESOURCE_EXHAUSTED, "no product on rank " + std::to_string(rank),
                   [&] { lame.run(); });
    lame.faults->of_rank[rank] = Fault::kNone;
    expect_failure("after a rank failed", GAVEL_UNAVAILABLE, "cuda:0+1: expected all ranks at work",
                   [&] { lame.run(); });
  }
  std::shared_ptr<Faults> faults;
  {
    Group stuck(functions, checkpoint, 300);
    faults = stuck.faults;
    faults->of_rank[1] = Fault::kHangs;
    expect_failure("a rank hangs", GAVEL_UNAVAILABLE, "ranks: expected all within 300 ms", [&] { stuck.run(); });
    expect_failure("after a rank hung", GAVEL_UNAVAILABLE, "the group has ended", [&] { stuck.run(); });
  }
  faults->release.set_value();
  while (faults.use_count() > 1) {  // until the thread that was left behind has let go of its engine
    std::this_thread::yield();
  }
}

}  // namespace

std::unique_ptr<gavel::Engine> group(const gavel_cuda_table& functions, gavel_config config, int ranks) {
  return std::make_unique<gavel::GroupEngine>(
      over(config, ranks), nccl(),
      [&functions](const gavel_config& own, std::shared_ptr<gavel::Collective> collective) {
        return std::make_unique<gavel::DeviceEngine>(own, functions, std::make_unique<PlainProducts>(),
                                                     std::move(collective));
      });
}

int check_ranks(const gavel_cuda_table& functions, uint64_t seed) {
  std::mt19937_64 generator(seed);
  Checkpoint checkpoint = checkpoints(generator, 2, 8).front();
  checkpoint.config.device_type = GAVEL_CUDA;
  checkpoint.config.quantization = GAVEL_QUANTIZATION_BF16;
  const int before = failures();
  check_refusals(functions, checkpoint.config);
  check_failures(functions, checkpoint);
  std::printf("ranks that fail: %d checks failed\n", failures() - before);
  return failures() == before ? 0 : 1;
}

}  // namespace parity
