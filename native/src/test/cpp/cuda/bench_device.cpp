// Rates of the kernels on a device, beside the device's ceilings, on random values at the shapes of Qwen3-0.6B with a
// prefix of 150 and 100 items of 150 tokens: bench_device LIBRARY [TFLOPS] [GIGABYTES_PER_SECOND] [FP8_TFLOPS]
// [LIBTORCH]. Ceilings of 0 are unknown. LIBTORCH is the folder of a LibTorch with CUDA; with it, steps of the whole
// engine of that shape, with graphs and without, follow. Ends with 77 where there is no device.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "bench_engine.h"
#include "cuda/measure.h"
#include "device_library.h"
#include "gavel.h"
#include "libtorch.h"
#include "support/error.h"

namespace {

constexpr int kPrefix = 150;
constexpr int kItems = 100;
constexpr int kItemTokens = 150;
constexpr int kRows = kPrefix + kItems * kItemTokens;
constexpr int kHidden = 1024;
constexpr int kIntermediate = 3072;
constexpr int kHeads = 16;
constexpr int kKvHeads = 8;
constexpr int kDim = 128;
constexpr int kVocabulary = 151936;
constexpr int kStreams = 32;
constexpr int kContext = 1024;

const gavel_cuda_table* table;
void* stream;
double tflops_most;
double gigabytes_most;
double fp8_tflops_most;
int32_t type = GAVEL_CUDA_BF16;  // of what is measured now

void require(int32_t status) {
  if (status != GAVEL_OK) {
    std::printf("FAILED: %s\n", table->error());
    std::exit(1);
  }
}

// Device memory, of zeros unless it has content; freed with the process.
template <typename E>
E* memory(size_t count, const std::vector<E>* content = nullptr) {
  void* result = nullptr;
  require(table->allocate(count * sizeof(E), &result));
  require(content == nullptr ? table->fill(result, 0, count * sizeof(E), stream)
                             : table->copy(result, content->data(), count * sizeof(E), stream));
  require(table->synchronize(stream));
  return static_cast<E*>(result);
}

template <typename E>
E* upload(const std::vector<E>& content) {
  return memory<E>(content.size(), &content);
}

// A kernel's input in the type that is measured, or in e4m3: random, and room for as many elements of 16 bits.
uint16_t* input(size_t count, bool fp8 = false) {
  uint16_t* const result = memory<uint16_t>(count);
  const std::vector<uint8_t> piece = gavel::random_piece(fp8 ? GAVEL_CUDA_FP8 : type);
  const size_t bytes = count * sizeof(uint16_t);
  for (size_t begin = 0; begin < bytes; begin += piece.size()) {
    require(table->copy(reinterpret_cast<char*>(result) + begin, piece.data(), std::min(piece.size(), bytes - begin),
                        stream));
  }
  require(table->synchronize(stream));
  return result;
}

uint16_t* output(size_t count) { return memory<uint16_t>(count); }

std::vector<int32_t> counting(int first, int count) {
  std::vector<int32_t> numbers;
  for (int i = 0; i < count; i++) {
    numbers.push_back(first + i);
  }
  return numbers;
}

// Times the kernel and prints its rate; operations and bytes are the least the task needs. tflops: their ceiling.
void measure(const char* name, double operations, double bytes, const std::function<int32_t()>& kernel, double tflops) {
  void* begin = nullptr;
  void* end = nullptr;
  require(table->create_mark(&begin));
  require(table->create_mark(&end));
  double best = 1e9;
  for (int run = 0; run < 6; run++) {  // the first warms up
    constexpr int kTimes = 10;
    require(table->record_mark(begin, stream));
    for (int i = 0; i < kTimes; i++) {
      require(kernel());
    }
    require(table->record_mark(end, stream));
    double seconds = 0;
    require(table->seconds_between(begin, end, &seconds));
    best = run == 0 ? best : std::min(best, seconds / kTimes);
  }
  const double limit =
      std::max(tflops > 0 ? operations / (tflops * 1e12) : 0, gigabytes_most > 0 ? bytes / (gigabytes_most * 1e9) : 0);
  std::printf("%-24s %9.1f us %8.1f TFLOP/s %8.0f GB/s  limit %9.1f us  %5.1f%%\n", name, best * 1e6,
              operations / best * 1e-12, bytes / best * 1e-9, limit * 1e6, 100 * limit / best);
  require(table->release_mark(begin));
  require(table->release_mark(end));
}

void measure(const char* name, double operations, double bytes, const std::function<int32_t()>& kernel) {
  measure(name, operations, bytes, kernel, tflops_most);
}

void bench_rows() {
  gavel_cuda_rms_norm norm{};
  norm.type = norm.out_type = type;
  norm.rows = kRows;
  norm.width = kHidden;
  norm.residual = norm.residual_out = input(static_cast<size_t>(kRows) * kHidden);
  norm.delta = input(static_cast<size_t>(kRows) * kHidden);
  norm.weight = input(kHidden);
  norm.epsilon = 1e-6f;
  norm.out = output(static_cast<size_t>(kRows) * kHidden);
  norm.scales = memory<float>(kRows);
  measure("rms_norm", 0, 8.0 * kRows * kHidden, [&] { return table->rms_norm(&norm, stream); });
  norm.out_type = GAVEL_CUDA_FP8;
  measure("rms_norm to fp8", 0, 7.0 * kRows * kHidden, [&] { return table->rms_norm(&norm, stream); });
  gavel_cuda_swiglu swiglu{};
  swiglu.type = swiglu.out_type = type;
  swiglu.rows = kRows;
  swiglu.width = kIntermediate;
  swiglu.gate_up = input(2ull * kRows * kIntermediate);
  swiglu.out = output(static_cast<size_t>(kRows) * kIntermediate);
  swiglu.scales = norm.scales;
  measure("swiglu", 0, 6.0 * kRows * kIntermediate, [&] { return table->swiglu(&swiglu, stream); });
  swiglu.out_type = GAVEL_CUDA_FP8;
  measure("swiglu to fp8", 0, 5.0 * kRows * kIntermediate, [&] { return table->swiglu(&swiglu, stream); });
  const gavel_cuda_quantize quantize = {type,           GAVEL_CUDA_FP8, kRows,      kHeads * kDim,
                                        swiglu.gate_up, swiglu.out,     norm.scales};
  measure("quantize to fp8", 0, 3.0 * kRows * kHeads * kDim, [&] { return table->quantize(&quantize, stream); });
}

// Both products of Qwen3-30B-A3B's experts, evenly chosen, of `type` or of e4m3, beside the limit of a large product.
void bench_experts(int rows, bool fp8) {
  constexpr int kExperts = 128;
  constexpr int kPicks = 8;
  constexpr int kExpertHidden = 2048;
  constexpr int kExpertWidth = 768;
  const int pairs = rows * kPicks;
  std::vector<int32_t> begins;
  for (int e = 0; e <= kExperts; e++) {
    begins.push_back(static_cast<int32_t>(static_cast<int64_t>(pairs) * e / kExperts));
  }
  gavel_cuda_grouped_gemm args{};
  args.type = type;
  args.experts = kExperts;
  args.pairs = pairs;
  args.picks = kPicks;
  args.begins = upload(begins);
  args.order = upload(counting(0, pairs));
  args.rows = input(static_cast<size_t>(pairs) * kExpertHidden, fp8);
  args.out = output(static_cast<size_t>(pairs) * kExpertHidden);
  args.weight = input(2ull * kExperts * kExpertWidth * kExpertHidden, fp8);
  args.row_scales = fp8 ? upload(std::vector<float>(pairs, 0.1f)) : nullptr;
  args.weight_scales = fp8 ? upload(std::vector<float>(2ull * kExperts * kExpertHidden, 0.1f)) : nullptr;
  for (const bool swiglu : {true, false}) {
    args.swiglu = swiglu;
    args.k = swiglu ? kExpertHidden : kExpertWidth;
    args.columns = swiglu ? kExpertWidth : kExpertHidden;
    const double matrix = (swiglu ? 2.0 : 1.0) * args.k * args.columns;
    char name[64];
    std::snprintf(name, sizeof name, "experts %s, %d rows%s", swiglu ? "up" : "down", rows, fp8 ? ", fp8" : "");
    measure(
        name, 2 * pairs * matrix, kExperts * matrix * (fp8 ? 1 : 2), [&] { return table->grouped_gemm(&args, stream); },
        fp8 ? fp8_tflops_most : tflops_most);
  }
}

void bench_rope() {
  constexpr int kAll = (kHeads + 2 * kKvHeads) * kDim;
  gavel_cuda_rope rope{};
  rope.type = type;
  rope.rows = kRows;
  rope.heads = kHeads;
  rope.kv_heads = kKvHeads;
  rope.head_dim = kDim;
  rope.qkv = input(static_cast<size_t>(kRows) * kAll);
  rope.query_norm = rope.key_norm = input(kDim);
  rope.positions = upload(std::vector<int32_t>(kRows, 7));
  rope.cosines = rope.sines = upload(std::vector<float>(8 * kDim, 0.6f));
  rope.slots = upload(counting(0, kRows));
  rope.queries = output(static_cast<size_t>(kRows) * kHeads * kDim);
  rope.keys = output(static_cast<size_t>(kRows) * kKvHeads * kDim);
  rope.values = output(static_cast<size_t>(kRows) * kKvHeads * kDim);
  measure("rope and append", 0, 4.0 * kRows * kAll, [&] { return table->rope(&rope, stream); });
}

// Rows of queries over keys at so many slots, in lists of ascending slots.
gavel_cuda_attention attention(size_t rows, size_t slots, const std::vector<gavel_cuda_tile>& tiles,
                               const std::vector<int32_t>& row_first) {
  gavel_cuda_attention args{};
  args.type = type;
  args.heads = kHeads;
  args.kv_heads = kKvHeads;
  args.head_dim = kDim;
  args.scale = 0.088f;
  args.queries = input(rows * kHeads * kDim);
  args.keys = input(slots * kKvHeads * kDim);
  args.values = input(slots * kKvHeads * kDim);
  args.tiles = static_cast<int32_t>(tiles.size());
  args.tile = upload(tiles);
  args.slot_list = args.row_slots = upload(counting(0, static_cast<int>(slots)));
  args.row_first = upload(row_first);
  args.out = output(rows * kHeads * kDim);
  return args;
}

// tile_rows of the items at a time, each seeing the prefix and its own item.
void bench_prefill(int tile_rows) {
  std::vector<gavel_cuda_tile> tiles;
  std::vector<int32_t> first;
  for (int row = 0; row < kPrefix; row += tile_rows) {
    tiles.push_back({row, std::min(row + tile_rows, kPrefix), 0, 0, 0, std::min(row + tile_rows, kPrefix), -1});
  }
  for (int row = kPrefix; row < kRows; row += tile_rows) {
    const int end = std::min(row + tile_rows, kRows);
    const int own = kPrefix + (row - kPrefix) / kItemTokens * kItemTokens;
    tiles.push_back({row, end, 0, kPrefix, own, end, -1});
  }
  for (int row = 0; row < kRows; row++) {
    first.push_back(row < kPrefix ? 0 : kPrefix + (row - kPrefix) / kItemTokens * kItemTokens);
  }
  gavel_cuda_attention args = attention(kRows, kRows, tiles, first);
  args.tile_rows = tile_rows;
  const double pairs =
      kPrefix * (kPrefix + 1) / 2.0 + kItems * (1.0 * kPrefix * kItemTokens + kItemTokens * (kItemTokens + 1) / 2.0);
  char name[64];
  std::snprintf(name, sizeof name, "prefill, tiles of %d", tile_rows);
  measure(name, 4 * pairs * kHeads * kDim, 4.0 * kRows * (kHeads + kKvHeads) * kDim,
          [&] { return table->attention_prefill(&args, stream); });
}

void bench_decode(int streams, int parts) {
  std::vector<gavel_cuda_tile> tiles;
  std::vector<int32_t> rows;
  std::vector<int32_t> offsets{0};
  for (int s = 0; s < streams; s++) {
    for (int p = 0; p < parts; p++) {
      const int begin = kContext * p / parts;
      tiles.push_back(
          {s, s + 1, s * kContext + begin, kContext * (p + 1) / parts - begin, 0, 0, parts == 1 ? -1 : s * parts + p});
    }
    rows.push_back(s);
    offsets.push_back((s + 1) * parts);
  }
  const size_t slots = static_cast<size_t>(streams) * kContext;
  gavel_cuda_attention args = attention(streams, slots, tiles, rows);
  args.tile_rows = 1;
  args.partial_out = memory<float>(static_cast<size_t>(streams) * parts * kHeads * kDim);
  args.partial_log_sums = memory<float>(static_cast<size_t>(streams) * parts * kHeads);
  gavel_cuda_merge merge{};
  merge.type = type;
  merge.rows = streams;
  merge.heads = kHeads;
  merge.head_dim = kDim;
  merge.row = upload(rows);
  merge.part_offsets = upload(offsets);
  merge.parts = upload(counting(0, streams * parts));
  merge.partial_out = args.partial_out;
  merge.partial_log_sums = args.partial_log_sums;
  merge.out = args.out;
  char name[64];
  std::snprintf(name, sizeof name, "decode, %d in %d parts", streams, parts);
  measure(name, 0, 4.0 * static_cast<double>(slots) * kKvHeads * kDim, [&] {
    const int32_t status = table->attention_decode(&args, stream);
    return status != GAVEL_OK || parts == 1 ? status : table->attention_merge(&merge, stream);
  });
}

void bench_head(bool normalizers) {
  gavel_cuda_head args{};
  args.type = type;
  args.sequences = kItems;
  args.nodes = 1;
  args.width = kHidden;
  args.vocabulary = kVocabulary;
  args.residual = args.normed = input(static_cast<size_t>(kItems) * kHidden);
  args.norm_weight = input(kHidden);
  args.epsilon = 1e-6f;
  args.head = input(static_cast<size_t>(kVocabulary) * kHidden);
  args.candidates = 4;
  args.candidate_tokens = upload(counting(16, 4));
  args.candidate_nodes = upload(std::vector<int32_t>(4, 0));
  args.labels = 4;
  args.label_offsets = args.form_offsets = upload(counting(0, 5));
  args.form_steps = upload(counting(0, 4));
  args.normalizers = normalizers;
  args.workspace = memory<char>(table->head_workspace_bytes(kItems, 1, kVocabulary, 4));
  args.log_probabilities = memory<float>(4 * kItems);
  args.log_mass = normalizers ? memory<float>(kItems) : nullptr;
  args.tier_threshold = 0.5f;
  args.tiers = memory<int32_t>(kItems);
  const double columns = normalizers ? kVocabulary : 4;
  measure(normalizers ? "head with label mass" : "head", 2 * columns * kHidden * kItems, 2 * columns * kHidden,
          [&] { return table->head(&args, stream); });
}

void bench_sampler() {
  gavel_cuda_sampler args{};
  args.logits_type = -1;
  args.rows = kStreams;
  args.vocabulary = kVocabulary;
  args.stride = kVocabulary;
  std::vector<float> logits(static_cast<size_t>(kStreams) * kVocabulary);
  uint32_t state = 1;
  for (float& logit : logits) {
    state = state * 1664525u + 1013904223u;
    logit = static_cast<float>(state >> 8) * 0x1p-20f;
  }
  args.logits = upload(logits);
  args.temperatures = upload(std::vector<float>(kStreams, 0.7f));
  args.top_ks = upload(std::vector<int32_t>(kStreams, 50));
  args.top_ps = upload(std::vector<float>(kStreams, 0.95f));
  args.seeds = memory<int64_t>(kStreams);
  args.draws = upload(counting(0, kStreams));
  args.tokens = memory<int32_t>(kStreams);
  args.log_probabilities = memory<float>(kStreams);
  measure("sampler, top-k and top-p", 0, 4.0 * kStreams * kVocabulary, [&] { return table->sampler(&args, stream); });
}

// What follows is measured in this type, and is said to be.
void begin_type(int32_t one) {
  type = one;
  std::printf("%s\n", type == GAVEL_CUDA_BF16 ? "bf16" : "fp16");
}

int bench_engine(const char* libtorch) {
  if (gavel_libtorch_open(libtorch) != GAVEL_OK) {
    std::printf("FAILED: %s\n", gavel_last_error());
    return 1;
  }
  gavel_config config{};
  config.vocabulary = kVocabulary;
  config.hidden = kHidden;
  config.layers = 28;
  config.heads = kHeads;
  config.kv_heads = kKvHeads;
  config.head_dim = kDim;
  config.intermediate = kIntermediate;
  config.max_positions = 4096;
  config.rope_theta = 1e6;
  config.rms_epsilon = 1e-6;
  config.qk_norm = config.tied_embeddings = 1;
  config.threads = 1;
  config.batch_tokens_max = 4096;
  config.block_tokens = 16;
  config.blocks = kStreams * kContext / 16;
  try {
    bench::measure_engine(*table, 0, [] { return gavel::libtorch::products(0); },
                          {config, {1, 8, kStreams}, kContext, 10, 30, 50, gigabytes_most});
  } catch (const gavel::Error& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::printf("usage: bench_device LIBRARY [TFLOPS] [GIGABYTES_PER_SECOND] [FP8_TFLOPS] [LIBTORCH]\n");
    return 2;
  }
  table = &open_library(argv[1]);
  tflops_most = argc > 2 ? std::atof(argv[2]) : 0;
  gigabytes_most = argc > 3 ? std::atof(argv[3]) : 0;
  fp8_tflops_most = argc > 4 ? std::atof(argv[4]) : 0;
  require(table->create_stream(&stream));
  for (const int32_t one : {GAVEL_CUDA_BF16, GAVEL_CUDA_FP16}) {
    begin_type(one);
    bench_rows();
    bench_rope();
    bench_prefill(32);
    bench_prefill(64);
    for (const int parts : {1, 4, 16}) {
      bench_decode(1, parts);
    }
    bench_decode(kStreams, 1);
    bench_decode(kStreams, 4);
    bench_head(false);
    bench_head(true);
  }
  begin_type(GAVEL_CUDA_BF16);
  for (const int rows : {kStreams, 4096}) {
    bench_experts(rows, false);
    bench_experts(rows, true);
  }
  std::printf("fp32\n");
  bench_sampler();
  return argc > 5 ? bench_engine(argv[5]) : 0;
}
