#include "parity_graphs.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "cuda/engine.h"
#include "cuda/graphs.h"
#include "model/cpu_engine.h"
#include "parity_batch.h"
#include "parity_precision.h"
#include "support/error.h"

namespace parity {

namespace {

constexpr int kSteps = 36;
constexpr int kKeptBlock = 40;  // blocks before it keep the prompt, those behind are written again and again

// A step of a random service.
struct Request {
  Batch batch;
  bool forms = false;  // labels of several tokens
  bool mass = false;
  bool cancelled = false;
};

// What a service asks for; a kind of step tends to come again, with other tokens.
class Requests {
 public:
  Requests(int vocabulary, int prompt, std::mt19937_64& generator)
      : vocabulary_(vocabulary), prompt_(prompt), generator_(generator) {}

  Request keep_prompt() {
    Request request;
    request.batch.add(tokens(prompt_), -1, {}, 0, GAVEL_OUTPUT_NONE);
    return request;
  }

  // One token for each of some streams, which continue parts of the prompt: no two the same one, since such rows
  // would be a family, and a batch with families has another shape.
  Request decode(int streams) {
    Request request;
    for (int s = 0; s < streams; s++) {
      const int other = s + streams * below(2);
      request.batch.add(tokens(1), -1, {0, s % 3 == 2 ? 20 + other : prompt_ - other}, s % 2 == 0 ? kKeptBlock + s : -1,
                        s % 4 == 3 ? GAVEL_OUTPUT_LABELS : GAVEL_OUTPUT_SAMPLE);
    }
    return request;
  }

  Request next() {
    if (below(3) == 0) {
      kind_ = below(5);
      size_ = 1 + below(5);
    }
    Request request = make();
    request.forms = below(4) == 0;
    request.mass = below(3) == 0;
    request.cancelled = below(8) == 0;
    return request;
  }

 private:
  Request make() {
    Request request;
    Batch& batch = request.batch;
    switch (kind_) {
      case 0:
        return decode(size_);
      case 1:  // items after a kept prefix
        for (int i = 0; i < size_; i++) {
          batch.add(tokens(1 + below(6)), -1, {0, 20 + size_ + i / 2}, -1, GAVEL_OUTPUT_LABELS);
        }
        return request;
      case 2:  // a prefix and its items
        batch.add(tokens(9), -1, {}, kKeptBlock, GAVEL_OUTPUT_NONE);
        for (int i = 0; i < size_; i++) {
          batch.add(tokens(1 + below(6)), 0, {}, -1, GAVEL_OUTPUT_LABELS);
        }
        return request;
      case 3:  // a prefix that is only kept
        batch.add(tokens(10 + size_), -1, {}, kKeptBlock, GAVEL_OUTPUT_NONE);
        return request;
      default:  // streams, items and logits
        request = decode(size_);
        batch.add(tokens(7), -1, {0, 1 + below(33)}, -1, GAVEL_OUTPUT_LABELS);
        batch.add(tokens(3), -1, {}, -1, GAVEL_OUTPUT_LOGITS);
        return request;
    }
  }

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(generator_); }
  vector<int32_t> tokens(int count) { return random_tokens(count, vocabulary_, generator_); }

  const int vocabulary_;
  const int prompt_;
  std::mt19937_64& generator_;
  int kind_ = 0;
  int size_ = 1;
};

// An engine and its label tables.
struct Contender {
  std::unique_ptr<gavel::Engine> engine;
  vector<std::unique_ptr<gavel::Labels>> labels;

  Contender(std::unique_ptr<gavel::Engine> made, const Checkpoint& checkpoint) : engine(std::move(made)) {
    checkpoint.load(*engine);
    const int32_t form_labels[] = {0, 1, 1, 2, 2};
    const int32_t offsets[] = {0, 1, 2, 4, 6, 9};
    const int32_t tokens[] = {5, 9, 17, 3, 17, 4, 20, 21, 22};
    labels.push_back(engine->labels(2, 2, form_labels, offsets, tokens));
    labels.push_back(engine->labels(3, 5, form_labels, offsets, tokens));
  }

  Results run(const Request& request, int vocabulary) const {
    return parity::run(*engine, request.batch, labels[request.forms].get(), request.mass, vocabulary);
  }

  // The status of the batch with its flag raised.
  int32_t run_cancelled(const Request& request) const {
    const int32_t raised = 1;
    gavel_batch view = request.batch.view(request.mass);
    view.cancel = &raised;
    vector<float> room(1 << 16);
    vector<int32_t> tokens(1 << 10);
    gavel_outputs outputs{};
    outputs.label_log_probabilities = outputs.label_log_mass = room.data();
    outputs.sampled_log_probabilities = outputs.logits = room.data();
    outputs.sampled_tokens = tokens.data();
    try {
      engine->run(view, labels[request.forms].get(), outputs);
    } catch (const gavel::Error& error) {
      return error.status();
    }
    return GAVEL_OK;
  }

  gavel_info info() const {
    gavel_info found{};
    engine->info(found);
    return found;
  }
};

// One checkpoint on the CPU, on the device without graphs and on it with them.
class Trio {
 public:
  Trio(const GraphTrial& trial, const Precision& precision, const Checkpoint& checkpoint)
      : name_(std::string(precision.name) + " " + checkpoint.name),
        config_(checkpoint.config),
        exact_(trial.exact),
        label_limit_(label_limit(relative_limit(precision, checkpoint.config.layers))),
        cpu_(std::make_unique<gavel::CpuEngine>(checkpoint.shape()), checkpoint),
        direct_(std::make_unique<gavel::DeviceEngine>(config(checkpoint, precision, trial.device, 0), trial.functions,
                                                      trial.products()),
                checkpoint),
        recorded_(std::make_unique<gavel::DeviceEngine>(config(checkpoint, precision, trial.device, 1), trial.functions,
                                                        trial.products()),
                  checkpoint) {}

  void compare(const std::string& step, const Request& request) {
    const std::string what = name_ + ", graphs, " + step;
    batches_++;
    if (request.cancelled) {
      expect(direct_.run_cancelled(request) == GAVEL_CANCELLED && recorded_.run_cancelled(request) == GAVEL_CANCELLED,
             what + ": expected a cancelled batch to say so");
      return;
    }
    const Results direct = direct_.run(request, config_.vocabulary);
    const Results recorded = recorded_.run(request, config_.vocabulary);
    if (exact_) {
      expect(direct == recorded, what + ": expected the results of the engine without graphs, bit by bit");
    }
    // Where a router hangs on a rounding, another expert is no mistake.
    const Results& other = config_.experts > 0 ? direct : cpu_.run(request, config_.vocabulary);
    for (size_t i = 0; i < recorded.label_log_probabilities.size(); i++) {
      expect_at_most(what + ", label",
                     std::fabs(other.label_log_probabilities[i] - recorded.label_log_probabilities[i]), label_limit_);
    }
    for (size_t i = 0; i < recorded.label_log_mass.size(); i++) {
      expect_at_most(what + ", mass", std::fabs(other.label_log_mass[i] - recorded.label_log_mass[i]), label_limit_);
    }
  }

  int vocabulary() const { return config_.vocabulary; }
  gavel_info info() const { return recorded_.info(); }
  int batches() const { return batches_; }

  void expect_counts(const std::string& when, int64_t held, int64_t replays) const {
    const gavel_info found = info();
    expect(found.graphs == held && found.graph_replays == replays,
           name_ + ", graphs " + when + ": expected " + std::to_string(held) + " held and " + std::to_string(replays) +
               " launched, found " + std::to_string(found.graphs) + " and " + std::to_string(found.graph_replays));
    const gavel_info direct = direct_.info();
    expect(direct.graphs == 0 && direct.graph_replays == 0, "expected an engine without graphs to have none");
  }

 private:
  static gavel_config config(const Checkpoint& checkpoint, const Precision& precision, int32_t device, int32_t graphs) {
    gavel_config result = checkpoint.shape();
    result.device_type = GAVEL_CUDA;
    result.quantization = precision.quantization;
    result.device_index = device;
    result.graphs = graphs;
    return result;
  }

  const std::string name_;
  const gavel_config config_;
  const bool exact_;
  const double label_limit_;
  const Contender cpu_;
  const Contender direct_;
  const Contender recorded_;
  int batches_ = 0;
};

// The second batch of a shape is recorded; growing buffers take all graphs with them.
void compare_growth(Trio& trio, Requests& requests) {
  for (int i = 0; i < 3; i++) {
    trio.compare("two streams", requests.decode(2));
  }
  trio.expect_counts("of two streams", 1, 2);
  trio.compare("seven streams", requests.decode(7));  // more logits than before
  trio.expect_counts("after growth", 0, 2);
  trio.compare("two streams after growth", requests.decode(2));
  trio.expect_counts("after growth and a launch", 1, 3);
  trio.compare("seven streams again", requests.decode(7));
  trio.expect_counts("of both", 2, 4);
}

// A table whose recordings fail now and then, at the start, at the end or at the first launch.
const gavel_cuda_table* sound;
int calls;
int failures_injected;

bool inject(int period) {
  const bool fails = ++calls % period == 0;
  failures_injected += fails;
  return fails;
}

int32_t failing_begin(void* stream) { return inject(5) ? GAVEL_INTERNAL : sound->begin_graph(stream); }

int32_t failing_end(void* stream, void** graph) {
  const int32_t status = sound->end_graph(stream, graph);
  if (status != GAVEL_OK || !inject(5)) {
    return status;
  }
  sound->release_graph(*graph);
  *graph = nullptr;
  return GAVEL_RESOURCE_EXHAUSTED;
}

int32_t failing_launch(void* graph, void* stream) {
  return inject(7) ? GAVEL_RESOURCE_EXHAUSTED : sound->launch_graph(graph, stream);
}

// Takes memory where a device gives none: while a graph is recorded.
class TakingProducts : public gavel::Products {
 public:
  TakingProducts(const gavel_cuda_table& functions, std::unique_ptr<gavel::Products> inner)
      : functions_(functions), inner_(std::move(inner)) {}

  void multiply(const gavel::Product& product, void* stream) override {
    void* memory = nullptr;
    if (functions_.allocate(16, &memory) != GAVEL_OK) {
      gavel::fail(GAVEL_INTERNAL, "product: %s", functions_.error());
    }
    functions_.release(memory);
    inner_->multiply(product, stream);
  }

 private:
  const gavel_cuda_table& functions_;
  std::unique_ptr<gavel::Products> inner_;
};

void compare_failures(const GraphTrial& trial, const Precision& precision, const Checkpoint& checkpoint,
                      std::mt19937_64& generator) {
  sound = &trial.functions;
  gavel_cuda_table failing = trial.functions;
  failing.begin_graph = failing_begin;
  failing.end_graph = failing_end;
  failing.launch_graph = failing_launch;
  Trio injected({failing, trial.device, trial.products, trial.exact, false}, precision, checkpoint);
  const MakeProducts taking = [&] { return std::make_unique<TakingProducts>(trial.functions, trial.products()); };
  Trio refused({trial.functions, trial.device, taking, trial.exact, false}, precision, checkpoint);
  Requests requests(injected.vocabulary(), 64, generator);
  const Request prompt = requests.keep_prompt();
  injected.compare("prompt", prompt);
  refused.compare("prompt", prompt);
  for (int i = 0; i < 12; i++) {
    const Request request = requests.decode(1 + i % 3);
    injected.compare("recordings that fail", request);
    refused.compare("recordings that are refused", request);
  }
  expect(failures_injected > 0 && injected.info().graph_failures == failures_injected,
         "graphs: expected " + std::to_string(failures_injected) + " failures, found " +
             std::to_string(injected.info().graph_failures));
  // Once for each of the three shapes.
  expect(refused.info().graph_failures == 3 && refused.info().graph_replays == 0 && refused.info().graphs == 0,
         "graphs: expected three shapes to be left alone, found " + std::to_string(refused.info().graph_failures));
}

void compare_graphs(const GraphTrial& trial, const Precision& precision, const Checkpoint& checkpoint,
                    std::mt19937_64& generator) {
  const int prompt = checkpoint.config.layers == 1 ? 530 : 64;
  Trio trio(trial, precision, checkpoint);
  Requests requests(trio.vocabulary(), prompt, generator);
  trio.compare("prompt", requests.keep_prompt());
  compare_growth(trio, requests);
  for (int i = 0; i < kSteps; i++) {
    trio.compare("step " + std::to_string(i), requests.next());
  }
  const gavel_info info = trio.info();
  expect(info.graph_failures == 0, std::string(checkpoint.name) + ", graphs: expected none to fail, found " +
                                       std::to_string(info.graph_failures));
  expect(info.graph_replays >= kSteps / 4, std::string(checkpoint.name) + ", graphs: expected to be launched, found " +
                                               std::to_string(info.graph_replays) + " launches");
  std::printf("%-4s %-30s %d batches, %lld of them graphs\n", precision.name, checkpoint.name, trio.batches(),
              static_cast<long long>(info.graph_replays));
  if (checkpoint.config.layers == 1) {
    compare_failures(trial, precision, checkpoint, generator);
  }
}

void check_graph_limits(const gavel_cuda_table& functions, int32_t device_index) {
  const gavel::Device device(functions, device_index);
  gavel::DeviceMemory memory(device);
  memory.reserve(16);
  const auto shape_of = [](int rows) {
    gavel::BatchShape shape;
    shape.rows = rows;
    return shape;
  };
  const gavel::Graphs::Enqueue work = [&] { device.fill(memory.data(), 1, 16); };
  const gavel::Graphs::Enqueue failing = [] { gavel::fail(GAVEL_INTERNAL, "no work"); };
  gavel::Graphs many(device);
  for (int rows = 0; rows < 200; rows++) {
    for (int use = 0; use < 3; use++) {
      many.select(shape_of(rows), {work, work});
      expect(many.launch(gavel::Graphs::kLayers) == (use > 0), "graphs: expected one from the second batch on");
      expect(many.launch(gavel::Graphs::kHead) == (use > 0), "graphs: expected both halves or none");
    }
  }
  expect(many.counts().held == 64 && many.counts().replays == 400 && many.counts().failures == 0,
         "graphs: expected the 64 latest of 200 shapes, found " + std::to_string(many.counts().held));
  many.select(shape_of(0), {work, work});
  expect(!many.launch(gavel::Graphs::kLayers), "graphs: expected the oldest to be forgotten");
  many.start_over();
  expect(many.counts().held == 0, "graphs: expected none after starting over");
  for (const bool launched : {false, true}) {  // of a shape that was known
    many.select(shape_of(150), {work, work});
    expect(many.launch(gavel::Graphs::kLayers) == launched, "graphs: expected a direct launch before a capture");
  }
  gavel::Graphs hopeless(device);
  for (int rows = 0; rows < 100; rows++) {
    for (int use = 0; use < 3; use++) {
      hopeless.select(shape_of(rows), {work, failing});
      expect(!hopeless.launch(gavel::Graphs::kLayers), "graphs: expected none where half of it fails");
    }
  }
  expect(hopeless.counts().failures == 16 && hopeless.counts().held == 0,
         "graphs: expected an end of trying after 16 failures, found " + std::to_string(hopeless.counts().failures));
  device.synchronize();
}

}  // namespace

int run_graphs(const GraphTrial& trial, uint64_t seed) {
  std::mt19937_64 generator(seed);
  try {
    check_graph_limits(trial.functions, trial.device);
    const vector<Checkpoint> all = checkpoints(generator, 1, kBf16.step);
    for (const size_t i : {1, 3}) {  // dense with a bias, and sparse
      compare_graphs(trial, kBf16, all[i], generator);
    }
    if (trial.fp8) {
      compare_graphs(trial, kFp8, checkpoints(generator, 1, kFp8.step)[4], generator);
    }
  } catch (const gavel::Error& error) {
    std::printf("FAILED: status %d, %s\n", error.status(), error.what());
    return 1;
  }
  std::printf("%d checks with those of graphs, %d failed\n", checks(), failures());
  return failures() == 0 ? 0 : 1;
}

}  // namespace parity
