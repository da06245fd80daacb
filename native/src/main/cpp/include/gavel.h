/* The C facade of Gavel's engine: tokens in, label log-probabilities or next tokens out.
 *
 * Rules of the seam
 *  - Every call that can fail returns a gavel_status; gavel_last_error() then says, for the calling
 *    thread, what was expected and what was found. No exception crosses, nothing exits the process.
 *  - Pointers are borrowed for the duration of the call. Arrays are flat; ragged ones carry offsets.
 *  - One engine is driven by one thread at a time. Different engines are independent.
 *  - Sizes are in elements unless a name ends in _bytes.
 */
#ifndef GAVEL_H
#define GAVEL_H

#include <stdint.h>

#if defined(__GNUC__)
#define GAVEL_API __attribute__((visibility("default")))
#else
#define GAVEL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* gavel_status */
#define GAVEL_OK 0
#define GAVEL_INVALID_ARGUMENT 1    /* the caller broke a rule of this header */
#define GAVEL_FAILED_PRECONDITION 2 /* right call, wrong moment (tensor missing, not finished) */
#define GAVEL_RESOURCE_EXHAUSTED 3  /* memory */
#define GAVEL_CANCELLED 4           /* gavel_batch.cancel was raised */
#define GAVEL_UNAVAILABLE 5         /* no such device, or LibTorch not to be had */
#define GAVEL_INTERNAL 6            /* a bug, or results that are not finite */

/* gavel_dtype: element types on disk */
#define GAVEL_F32 0
#define GAVEL_F16 1
#define GAVEL_BF16 2

/* gavel_quantization: how the model computes. The CPU takes the first two, a CUDA device the others. */
#define GAVEL_QUANTIZATION_FP32 0
#define GAVEL_QUANTIZATION_INT8 1 /* linear layers: weights per output channel, activations per token */
#define GAVEL_QUANTIZATION_BF16 2
#define GAVEL_QUANTIZATION_FP16 3
#define GAVEL_QUANTIZATION_FP8 4 /* linear layers in e4m3, scaled like INT8; all else in bf16 */

/* gavel_device_type */
#define GAVEL_CPU 0
#define GAVEL_CUDA 1

/* gavel_rope_scaling */
#define GAVEL_ROPE_DEFAULT 0
#define GAVEL_ROPE_LINEAR 1
#define GAVEL_ROPE_LLAMA3 2

/* gavel_output: what a sequence of a batch yields at its last token */
#define GAVEL_OUTPUT_NONE 0
#define GAVEL_OUTPUT_LABELS 1 /* log-probability of every label */
#define GAVEL_OUTPUT_SAMPLE 2 /* one sampled token and its log-probability */
#define GAVEL_OUTPUT_LOGITS 3 /* the whole logit row; for tests */

typedef struct gavel_engine gavel_engine; /* weights, KV pool and workspace on one device */
typedef struct gavel_labels gavel_labels; /* token trie of the labels' surface forms */

/* Sums `elements` of `data` over all ranks, in place; every rank must get the same bits. `data` is memory of the
 * rank's device, and the terms are in it. The sum is done on return, or put on `stream`, the engine's. dtype is a
 * gavel_dtype. Returns a gavel_status; must not throw. */
typedef int32_t (*gavel_all_reduce)(void* context, void* data, int64_t elements, int32_t dtype, void* stream);

/* A decoder-only transformer (Llama, Qwen2, Qwen3, Qwen3-MoE) and the room it gets. */
typedef struct gavel_config {
  int32_t vocabulary;
  int32_t hidden;
  int32_t layers;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;
  int32_t intermediate; /* width of the dense feed-forward */
  int32_t max_positions;
  double rope_theta;
  double rms_epsilon;
  int32_t rope_scaling;
  double rope_factor;
  double rope_low_frequency_factor;
  double rope_high_frequency_factor;
  int32_t rope_original_positions;
  int32_t qkv_bias;        /* 0 or 1: biases on q, k and v (Qwen2) */
  int32_t qk_norm;         /* 0 or 1: RMSNorm on each head of q and k (Qwen3) */
  int32_t tied_embeddings; /* 0 or 1: lm_head is the embedding */
  int32_t experts;         /* 0: dense */
  int32_t experts_per_token;
  int32_t expert_intermediate;
  int32_t normalize_experts;   /* 0 or 1: weights of the chosen experts sum to 1 */
  const uint8_t* dense_layers; /* [layers] 1 where an MoE model has a dense layer, or null */

  int32_t device_type;
  int32_t device_index;
  int32_t quantization;
  int32_t threads;          /* CPU threads, the caller's included; at least 1 */
  int32_t batch_tokens_max; /* rows of the largest batch */
  int32_t block_tokens;     /* tokens per KV block */
  int32_t blocks;           /* KV blocks in the pool; may be 0 */
  const int32_t* cores;     /* [threads] the processor each thread is bound to, the caller during a call; or null */
  int32_t graphs;           /* 0 or 1: CUDA: small batches that come again are recorded once and launched whole */

  /* A model over several CUDA devices: each rank has an equal share of the heads and of the feed-forward's width, and
   * parts of two sums a layer go over the ranks. kv_heads and the widths must be multiples of ranks. Either one
   * engine drives all devices, which takes NCCL; or each rank is an engine, wherever it runs, with all_reduce: then
   * all get the same tensors and the same batches in the same order, `cancel` is not looked at, and whoever sums has
   * to give up on a rank that died: its status ends the batch. */
  int32_t ranks;               /* 0 or 1: the whole model on device_index */
  const int32_t* rank_devices; /* [ranks] devices of one engine, all of one kind; or null */
  int32_t rank;                /* without rank_devices: this engine's, from 0 */
  gavel_all_reduce all_reduce; /* without rank_devices */
  void* all_reduce_context;    /* given to all_reduce */
  int32_t rank_timeout_ms;     /* with rank_devices: longest wait of ranks for each other; 0: 120 s */
} gavel_config;

typedef struct gavel_info {
  int64_t parameters;
  int64_t weight_bytes;
  int64_t kv_bytes;
  int64_t kv_bytes_per_token;
  int64_t workspace_bytes;
  int64_t batches; /* batches completed */
  int64_t tokens;  /* rows computed, over all batches */
  int64_t cancelled_batches;
  int64_t linear_parameters; /* parameters used in matrix products per token, head excluded */
  int64_t graphs;            /* shapes of batches recorded as graphs, held now */
  int64_t graph_replays;     /* batches launched as such */
  int64_t graph_failures;    /* shapes that could not be recorded; their batches are launched directly */
} gavel_info;

/* One ragged batch: a forest of token sequences, computed in one pass without padding.
 *
 * Sequence s sees, in this order: the KV blocks of its chain (already computed), then, where
 * parents[s] >= 0, everything its parent sees and the parent's own tokens, then its own tokens
 * causally. A sequence with a parent has no chain. Positions count what it sees.
 * So one prefix with many items is one parent with many children, computed in one call; and a
 * prefix kept in blocks is a chain of the children in a later call.
 */
typedef struct gavel_batch {
  int32_t sequences;
  const int32_t* token_offsets; /* [sequences + 1]; every sequence has at least one token */
  const int32_t* tokens;        /* [token_offsets[sequences]] */
  const int32_t* parents;       /* [sequences] index of an earlier sequence, or -1 */
  const int32_t* chain_offsets; /* [sequences + 1] */
  const int32_t* chain_blocks;  /* block ids, in order */
  const int32_t* chain_counts;  /* tokens valid in each of these blocks, 1 to block_tokens */
  const int32_t* keep_offsets;  /* [sequences + 1] */
  const int32_t* keep_blocks;   /* blocks that receive the KV of the sequence's own tokens */
  const int32_t* keep_starts;   /* [sequences] first free slot of its first keep block */
  const int32_t* outputs;       /* [sequences] gavel_output */

  /* Sampling, [sequences]; read where the output is SAMPLE. */
  const float* temperatures; /* 0 is greedy */
  const int32_t* top_ks;     /* 0 keeps all */
  const float* top_ps;       /* 1 keeps all */
  const int64_t* seeds;
  const int32_t* draws; /* number of the draw within its stream: seed and draw fix the random number */

  const gavel_labels* labels;     /* needed where an output is LABELS */
  int32_t label_mass;             /* 0 or 1: also compute label_log_mass */
  const volatile int32_t* cancel; /* checked between layers; nonzero ends the batch. May be null */
} gavel_batch;

/* Results, in the order of the sequences that yield them. Buffers are the caller's. */
typedef struct gavel_outputs {
  float* label_log_probabilities;   /* [LABELS sequences, labels] normalized over the labels */
  float* label_log_mass;            /* [LABELS sequences] log of the full-vocabulary mass on labels */
  int32_t* sampled_tokens;          /* [SAMPLE sequences] */
  float* sampled_log_probabilities; /* [SAMPLE sequences] at temperature 1, over the full vocabulary */
  float* logits;                    /* [LOGITS sequences, vocabulary] */
  double prefill_seconds;           /* plan of the batch, transformer */
  double head_seconds;              /* label head, sampler */
} gavel_outputs;

/* The message of the calling thread's last failed call; valid until its next call. Never null. */
GAVEL_API const char* gavel_last_error(void);

/* Creates an engine without weights. dense_layers, cores and rank_devices are copied. */
GAVEL_API int32_t gavel_engine_create(const gavel_config* config, gavel_engine** engine);

/* Copies one tensor of the Hugging Face checkpoint, by its name there ("model.layers.0...").
 * Unknown names, wrong shapes and repeated tensors are INVALID_ARGUMENT. */
GAVEL_API int32_t gavel_engine_set_tensor(gavel_engine* engine, const char* name, int32_t dtype, int32_t rank,
                                          const int64_t* shape, const void* data, int64_t data_bytes);

/* Copies a prompt like those to come, 1 to max_positions tokens; several are better. An int8 engine on the CPU rounds
 * weights so that what such prompts yield changes least; others ignore them. Without any, weights are rounded to the
 * nearest. */
GAVEL_API int32_t gavel_engine_add_sample(gavel_engine* engine, const int32_t* tokens, int32_t count);

/* Checks that every tensor is there and allocates the KV pool. The workspace grows to the largest
 * batch seen and is reused from then on. */
GAVEL_API int32_t gavel_engine_finish(gavel_engine* engine);

/* Frees the engine; null is allowed. Its label tables must have been destroyed before. */
GAVEL_API void gavel_engine_destroy(gavel_engine* engine);

GAVEL_API int32_t gavel_engine_info(const gavel_engine* engine, gavel_info* info);

/* Builds the label trie. Form f belongs to label form_labels[f] and is the token sequence
 * form_tokens[form_offsets[f] .. form_offsets[f + 1]). Every label needs a form. A form that begins
 * with a form of the same label adds nothing and is dropped; one that begins with a form of another
 * label is INVALID_ARGUMENT, since one text would then count for two labels. */
GAVEL_API int32_t gavel_labels_create(const gavel_engine* engine, int32_t labels, int32_t forms,
                                      const int32_t* form_labels, const int32_t* form_offsets,
                                      const int32_t* form_tokens, gavel_labels** out);

GAVEL_API void gavel_labels_destroy(gavel_labels* labels);

/* Rows that each LABELS sequence adds to a batch: the trie's inner nodes below the root. */
GAVEL_API int32_t gavel_labels_extra_rows(const gavel_labels* labels);

/* Computes one batch. On any status but GAVEL_OK no output is valid and no kept block may be used. */
GAVEL_API int32_t gavel_engine_run(gavel_engine* engine, const gavel_batch* batch, gavel_outputs* outputs);

/* Opens LibTorch (2.10 or later) from a directory that holds libtorch_cpu.so, through its stable C
 * ABI. Once per process; later calls with another directory are FAILED_PRECONDITION. */
GAVEL_API int32_t gavel_libtorch_open(const char* directory);

/* The PCI address of a CUDA device, domain:bus:device.function in hexadecimal, by which other tools know it: their
 * numbers may differ from CUDA's. `bytes` is the room in `address`, 32 is enough. UNAVAILABLE as for an engine. */
GAVEL_API int32_t gavel_cuda_bus(int32_t device_index, char* address, int32_t bytes);

/* Measures the rate of one matrix product C[m,n] = A[m,k] B[k,n] in this process: billions of
 * operations a second (2 m n k each), of the fastest run. provider 0: our kernel; 1: LibTorch
 * (opened before). quantization chooses the arithmetic. */
GAVEL_API int32_t gavel_measure_gemm(int32_t provider, int32_t quantization, int32_t threads, int32_t m, int32_t n,
                                     int32_t k, double seconds, double* giga_operations_per_second);

/* Measures memory read bandwidth over a buffer of the given size, in GB/s. */
GAVEL_API int32_t gavel_measure_bandwidth(int32_t threads, int64_t buffer_bytes, double seconds,
                                          double* gigabytes_per_second);

/* The same of a CUDA device, with the products that an engine of the quantization has there; UNAVAILABLE without the
 * device or LibTorch. */
GAVEL_API int32_t gavel_measure_device_gemm(int32_t device_index, int32_t quantization, int32_t m, int32_t n, int32_t k,
                                            double seconds, double* giga_operations_per_second);

/* Measures a device's memory, in GB/s read and written, by copies of so many bytes. */
GAVEL_API int32_t gavel_measure_device_copy(int32_t device_index, int64_t bytes, double seconds,
                                            double* gigabytes_per_second);

/* Instruction set the kernels run on, the best that the processor has: "avx512_bf16", "avx512_vnni",
 * "avx512", "avx2_vnni", "avx2" or "generic". */
GAVEL_API const char* gavel_instruction_set(void);

#ifdef __cplusplus
}
#endif
#endif /* GAVEL_H */
