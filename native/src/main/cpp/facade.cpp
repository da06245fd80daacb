// The C facade: checks handles, turns exceptions into statuses, keeps the last error per thread.
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include "cuda.h"
#include "gavel.h"
#include "kernels/kernels.h"
#include "libtorch.h"
#include "measure.h"
#include "model/engine.h"
#include "support/error.h"

struct gavel_engine {
  std::unique_ptr<gavel::Engine> engine;
};

struct gavel_labels {
  const gavel_engine* owner;
  std::unique_ptr<gavel::Labels> labels;
};

namespace {

thread_local std::string last_error;

int32_t record(int32_t status, const char* message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
  return status;
}

// Runs the body of a facade function; nothing it throws gets out.
template <typename F>
int32_t guarded(const F& body) noexcept {
  try {
    body();
    return GAVEL_OK;
  } catch (const gavel::Error& error) {
    return record(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return record(GAVEL_RESOURCE_EXHAUSTED, "memory: expected more, found none");
  } catch (const std::exception& error) {
    return record(GAVEL_INTERNAL, error.what());
  } catch (...) {
    return record(GAVEL_INTERNAL, "unknown failure");
  }
}

}  // namespace

extern "C" {

const char* gavel_last_error(void) { return last_error.c_str(); }

int32_t gavel_engine_create(const gavel_config* config, gavel_engine** engine) {
  return guarded([&] {
    GAVEL_REQUIRE(config != nullptr && engine != nullptr, "engine: expected a config and a result, found null");
    *engine = nullptr;
    *engine = new gavel_engine{gavel::Engine::create(*config)};
  });
}

int32_t gavel_engine_set_tensor(gavel_engine* engine, const char* name, int32_t dtype, int32_t rank,
                                const int64_t* shape, const void* data, int64_t data_bytes) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr, "engine: expected a handle, found null");
    engine->engine->set_tensor(name, dtype, rank, shape, data, data_bytes);
  });
}

int32_t gavel_engine_add_sample(gavel_engine* engine, const int32_t* tokens, int32_t count) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr && tokens != nullptr, "sample: expected an engine and tokens, found null");
    engine->engine->add_sample(tokens, count);
  });
}

int32_t gavel_engine_finish(gavel_engine* engine) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr, "engine: expected a handle, found null");
    engine->engine->finish();
  });
}

void gavel_engine_destroy(gavel_engine* engine) { delete engine; }

int32_t gavel_engine_info(const gavel_engine* engine, gavel_info* info) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr && info != nullptr, "info: expected an engine and a result, found null");
    engine->engine->info(*info);
  });
}

int32_t gavel_labels_create(const gavel_engine* engine, int32_t labels, int32_t forms, const int32_t* form_labels,
                            const int32_t* form_offsets, const int32_t* form_tokens, gavel_labels** out) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr && out != nullptr, "labels: expected an engine and a result, found null");
    *out = nullptr;
    *out = new gavel_labels{engine, engine->engine->labels(labels, forms, form_labels, form_offsets, form_tokens)};
  });
}

void gavel_labels_destroy(gavel_labels* labels) { delete labels; }

int32_t gavel_labels_extra_rows(const gavel_labels* labels) {
  return labels == nullptr ? 0 : labels->labels->extra_rows();
}

int32_t gavel_engine_run(gavel_engine* engine, const gavel_batch* batch, gavel_outputs* outputs) {
  return guarded([&] {
    GAVEL_REQUIRE(engine != nullptr && batch != nullptr && outputs != nullptr,
                  "run: expected an engine, a batch and outputs, found null");
    GAVEL_REQUIRE(batch->labels == nullptr || batch->labels->owner == engine,
                  "run: expected labels of this engine, found another's");
    engine->engine->run(*batch, batch->labels == nullptr ? nullptr : batch->labels->labels.get(), *outputs);
  });
}

int32_t gavel_cuda_bus(int32_t device_index, char* address, int32_t bytes) {
  return guarded([&] {
    GAVEL_REQUIRE(address != nullptr && bytes > 0, "bus: expected room for an address, found none");
    const std::string found = gavel::cuda::bus(device_index);
    GAVEL_REQUIRE(found.size() < static_cast<size_t>(bytes), "bus: expected %zu bytes of room, found %d",
                  found.size() + 1, bytes);
    std::strcpy(address, found.c_str());
  });
}

int32_t gavel_libtorch_open(const char* directory) {
  return guarded([&] {
    GAVEL_REQUIRE(directory != nullptr, "libtorch: expected a directory, found null");
    gavel::libtorch::open(directory);
  });
}

int32_t gavel_measure_gemm(int32_t provider, int32_t quantization, int32_t threads, int32_t m, int32_t n, int32_t k,
                           double seconds, double* giga_operations_per_second) {
  return guarded([&] {
    GAVEL_REQUIRE(giga_operations_per_second != nullptr, "gemm: expected a result, found null");
    *giga_operations_per_second = gavel::measure_gemm(provider, quantization, threads, m, n, k, seconds);
  });
}

int32_t gavel_measure_bandwidth(int32_t threads, int64_t buffer_bytes, double seconds, double* gigabytes_per_second) {
  return guarded([&] {
    GAVEL_REQUIRE(gigabytes_per_second != nullptr, "bandwidth: expected a result, found null");
    *gigabytes_per_second = gavel::measure_bandwidth(threads, buffer_bytes, seconds);
  });
}

int32_t gavel_measure_device_gemm(int32_t device_index, int32_t quantization, int32_t m, int32_t n, int32_t k,
                                  double seconds, double* giga_operations_per_second) {
  return guarded([&] {
    GAVEL_REQUIRE(giga_operations_per_second != nullptr, "gemm: expected a result, found null");
    *giga_operations_per_second = gavel::measure_device_gemm(device_index, quantization, m, n, k, seconds);
  });
}

int32_t gavel_measure_device_copy(int32_t device_index, int64_t bytes, double seconds, double* gigabytes_per_second) {
  return guarded([&] {
    GAVEL_REQUIRE(gigabytes_per_second != nullptr, "copy: expected a result, found null");
    *gigabytes_per_second = gavel::measure_device_copy(device_index, bytes, seconds);
  });
}

const char* gavel_instruction_set(void) { return gavel::best_kernels().name; }

}  // extern "C"
