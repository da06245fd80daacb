// What a precision does not take: devices, widths, weights and values.
#include <string>
#include <vector>

#include "model/cpu_engine.h"
#include "parity_batch.h"
#include "parity_precision.h"
#include "support/error.h"

namespace parity {

namespace {

template <typename F>
void expect_refused(const std::string& what, int32_t status, const std::string& words, const F& body) {
  try {
    body();
    expect(false, what + ": expected a refusal, found none");
  } catch (const gavel::Error& error) {
    expect(error.status() == status && std::string(error.what()).find(words) != std::string::npos,
           what + ": expected status " + std::to_string(status) + " and '" + words + "', found " +
               std::to_string(error.status()) + " and '" + error.what() + "'");
  }
}

Target with(const MakeEngine& make, int32_t quantization) {
  Precision chosen = kPrecisions[0];
  for (const Precision& precision : kPrecisions) {
    chosen = precision.quantization == quantization ? precision : chosen;
  }
  chosen.quantization = quantization;
  return {make, 1, chosen};
}

void refuse_devices(const MakeEngine& make, const gavel_config& shape) {
  gavel_config on_cpu = shape;
  on_cpu.quantization = GAVEL_QUANTIZATION_FP8;
  expect_refused("fp8 on the CPU", GAVEL_INVALID_ARGUMENT, "expected fp32 or int8 on a CPU, found fp8",
                 [&] { gavel::CpuEngine engine(on_cpu); });
  expect_refused("int8 on a device", GAVEL_INVALID_ARGUMENT, "expected bf16, fp16 or fp8 on a CUDA device, found int8",
                 [&] { with(make, GAVEL_QUANTIZATION_INT8).engine(shape); });
}

void refuse_widths(const MakeEngine& make, gavel_config shape) {
  gavel_config sparse = shape;
  sparse.experts = 4;
  sparse.experts_per_token = 1;
  sparse.expert_intermediate = 24;
  expect_refused("fp8, experts of width 24", GAVEL_INVALID_ARGUMENT, "expert_intermediate: expected a multiple of 16",
                 [&] { with(make, GAVEL_QUANTIZATION_FP8).engine(sparse); });
  with(make, GAVEL_QUANTIZATION_FP16).engine(sparse);
  shape.intermediate = 88;
  expect_refused("fp8, width 88", GAVEL_INVALID_ARGUMENT, "intermediate: expected a multiple of 16",
                 [&] { with(make, GAVEL_QUANTIZATION_FP8).engine(shape); });
  with(make, GAVEL_QUANTIZATION_FP16).engine(shape);
}

void scale(Checkpoint& checkpoint, const std::string& name, int exponent) {
  for (uint16_t& bits : checkpoint.tensors.at(name).bf16) {
    bits = static_cast<uint16_t>((bits & 0x7F80u) == 0 ? bits : bits + (exponent << 7));
  }
}

void run_one(gavel::Engine& engine, int vocabulary) {
  Batch batch;
  batch.add({1, 2, 3}, -1, {}, -1, GAVEL_OUTPUT_LOGITS);
  run(engine, batch, nullptr, false, vocabulary);
}

// Weights that fp16 does not hold, and weights that it does but whose products it does not.
void refuse_values(const MakeEngine& make, const Checkpoint& original) {
  Checkpoint heavy = original;
  scale(heavy, "model.layers.1.self_attn.o_proj.weight", 24);
  expect_refused("fp16, a large weight", GAVEL_INVALID_ARGUMENT, "model.layers.1.self_attn.o_proj.weight: expected",
                 [&] { heavy.load(*with(make, GAVEL_QUANTIZATION_FP16).engine(heavy.shape())); });
  Checkpoint wild = original;
  scale(wild, "model.layers.0.mlp.up_proj.weight", 9);
  scale(wild, "model.layers.0.mlp.down_proj.weight", 9);
  for (const Precision& precision : kPrecisions) {
    const Target one = with(make, precision.quantization);
    if (!one.available()) {
      continue;
    }
    const std::unique_ptr<gavel::Engine> engine = one.engine(wild.shape());
    wild.load(*engine);
    if (precision.quantization == GAVEL_QUANTIZATION_FP16) {
      expect_refused("fp16, large products", GAVEL_INTERNAL, "bf16 holds them",
                     [&] { run_one(*engine, wild.config.vocabulary); });
    } else {
      run_one(*engine, wild.config.vocabulary);
    }
  }
}

// Samples with all settings that there are, labels and logits of an engine that computes NaN.
void expect_not_finite(const std::string& what, gavel::Engine& engine, int vocabulary) {
  const int32_t label = 0;
  const int32_t offsets[] = {0, 1};
  const std::unique_ptr<gavel::Labels> labels = engine.labels(1, 1, &label, offsets, &label);
  for (const int kind : {GAVEL_OUTPUT_SAMPLE, GAVEL_OUTPUT_LABELS, GAVEL_OUTPUT_LOGITS}) {
    Batch batch;
    for (int s = 0; s < (kind == GAVEL_OUTPUT_SAMPLE ? 12 : 1); s++) {
      batch.add({1, 2 + s, 3}, -1, {}, -1, kind);
    }
    expect_refused(what + ", output " + std::to_string(kind), GAVEL_INTERNAL, "expected finite results, found",
                   [&] { run(engine, batch, labels.get(), false, vocabulary); });
  }
}

// Weights whose products overflow fp32.
void refuse_overflow_on_cpu(const Checkpoint& original) {
  Checkpoint wild = original;
  scale(wild, "model.layers.0.mlp.up_proj.weight", 70);
  scale(wild, "model.layers.0.mlp.down_proj.weight", 70);
  for (const int32_t quantization : {GAVEL_QUANTIZATION_FP32, GAVEL_QUANTIZATION_INT8}) {
    gavel_config shape = wild.shape();
    shape.quantization = quantization;
    gavel::CpuEngine engine(shape);
    wild.load(engine);
    expect_not_finite("overflow on the CPU, quantization " + std::to_string(quantization), engine,
                      wild.config.vocabulary);
  }
}

// A weight that is NaN, as after a training that diverged: of the last norm, and so in every logit, or of a token's row
// of the head, and so in one.
void refuse_results(const MakeEngine& make, const Checkpoint& original) {
  constexpr uint16_t kNan = 0x7FC0;
  const int vocabulary = original.config.vocabulary;
  Checkpoint all = original;
  all.tensors.at("model.norm.weight").bf16[3] = kNan;
  Checkpoint one = original;
  one.tensors.at("model.embed_tokens.weight").bf16[0] = kNan;
  for (const Checkpoint* checkpoint : {&all, &one}) {
    const std::string which = checkpoint == &all ? "NaN everywhere" : "NaN in a logit";
    gavel_config shape = checkpoint->shape();
    gavel::CpuEngine in_fp32(shape);
    checkpoint->load(in_fp32);
    expect_not_finite(which + " on the CPU", in_fp32, vocabulary);
    shape.quantization = GAVEL_QUANTIZATION_INT8;
    gavel::CpuEngine in_int8(shape);
    expect_refused(which + " in int8", GAVEL_INVALID_ARGUMENT, "expected finite numbers to round to int8",
                   [&] { checkpoint->load(in_int8); });
    for (const Precision& precision : kPrecisions) {
      const Target target = with(make, precision.quantization);
      if (target.available()) {
        const std::unique_ptr<gavel::Engine> engine = target.engine(checkpoint->shape());
        checkpoint->load(*engine);
        expect_not_finite(which + " in " + precision.name, *engine, vocabulary);
      }
    }
  }
}

}  // namespace

void compare_refusals(const MakeEngine& make) {
  std::mt19937_64 generator(1);
  const Checkpoint checkpoint = checkpoints(generator, 1, 16).front();
  refuse_devices(make, checkpoint.shape());
  refuse_values(make, checkpoint);
  refuse_results(make, checkpoint);
  refuse_overflow_on_cpu(checkpoint);
  if (with(make, GAVEL_QUANTIZATION_FP8).available()) {
    refuse_widths(make, checkpoint.shape());
  }
}

void refuse_older(const MakeEngine& make) {
  std::mt19937_64 generator(1);
  const Checkpoint checkpoint = checkpoints(generator, 1, 16).front();
  expect_refused("fp8 on an older device", GAVEL_UNAVAILABLE, "8.9 or later for quantization fp8, found 8.6",
                 [&] { with(make, GAVEL_QUANTIZATION_FP8).engine(checkpoint.shape()); });
  with(make, GAVEL_QUANTIZATION_FP16).engine(checkpoint.shape());
}

}  // namespace parity
