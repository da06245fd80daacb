/* The function table of libgavel_cuda.so: devices, memory, streams and our kernels.
 *
 * The library has one exported symbol, gavel_cuda. libgavel.so opens it when a device is asked for.
 *
 *  - Every function returns a gavel_status (gavel.h); error() has the calling thread's last message.
 *    Nothing throws, nothing exits the process.
 *  - Kernels are enqueued on `stream` (a cudaStream_t) of the calling thread's current device and nothing
 *    waits; a launch that fails later is reported by synchronize. They allocate nothing, so they can be
 *    captured into a graph.
 *  - Pointers inside the argument structs are device memory, the structs themselves are the caller's. Every
 *    pointer and every row (width * element size) is aligned to 16 bytes.
 *  - "T" is the type that `type` names: bf16 or fp16. Sums are fp32.
 *  - Sizes are in elements unless a name ends in _bytes.
 */
#ifndef GAVEL_CUDA_H
#define GAVEL_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "gavel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct here changes. */
#define GAVEL_CUDA_VERSION 5

/* gavel_cuda_type */
#define GAVEL_CUDA_BF16 0
#define GAVEL_CUDA_FP16 1
#define GAVEL_CUDA_FP8 2  /* e4m3 with a scale per row; as a type only of the output of a quantizing kernel */
#define GAVEL_CUDA_INT8 3 /* symmetric, 127 steps, a scale per row; likewise */

typedef struct gavel_cuda_device {
  char name[256];
  int32_t major; /* compute capability */
  int32_t minor;
  int32_t multiprocessors;
  int32_t driver_version;  /* 1000 * major + 10 * minor */
  int32_t runtime_version; /* likewise, of the CUDA this library was built with */
  int64_t memory_bytes;
  int64_t free_bytes;
  char bus[32]; /* PCI address, domain:bus:device.function */
} gavel_cuda_device;

/* residual_out[i] = residual[g] + delta[g], out[i] = residual_out[i] * rsqrt(mean(square) + epsilon) * weight,
 * with g = gather[i]. Quantized: scales[i] = max |row| / most, out = row / scales[i]; out_plain then has the row too,
 * as it would be in T. Reference: rms_norm. */
typedef struct gavel_cuda_rms_norm {
  int32_t type;
  int32_t out_type; /* the same, FP8 or INT8 */
  int32_t rows;
  int32_t width; /* a multiple of 8, at most 32768 */
  const int32_t*
      gather; /* [rows], or null: g = i. An embedding is looked up so: residual the table, gather the tokens */
  const void* residual; /* [.., width] T */
  const void* delta;    /* [.., width] T, or null */
  void* residual_out;   /* [rows, width] T, or null; may be `residual` where gather is null */
  const void* weight;   /* [width] T */
  float epsilon;
  void* out;       /* [rows, width], or null where only the residual stream is wanted */
  float* scales;   /* [rows]; written where out is quantized */
  void* out_plain; /* [rows, width] T, or null; only where out is quantized */
} gavel_cuda_rms_norm;

/* out[i, j] = silu(gate_up[i, j]) * gate_up[i, width + j], quantized like rms_norm. Reference: the swiglu
 * epilogue of gemm_f32. */
typedef struct gavel_cuda_swiglu {
  int32_t type;
  int32_t out_type;
  int32_t rows;
  int32_t width;       /* a multiple of 8, at most 32768 */
  const void* gate_up; /* [rows, 2 width] T */
  void* out;           /* [rows, width] */
  float* scales;       /* [rows] */
} gavel_cuda_swiglu;

/* scales[i] = max |in[i]| / most, out[i] = in[i] / scales[i]. Reference: the quantized outputs of swiglu. */
typedef struct gavel_cuda_quantize {
  int32_t type;
  int32_t out_type; /* FP8 or INT8 */
  int32_t rows;
  int32_t width;  /* a multiple of 8, at most 32768 */
  const void* in; /* [rows, width] T */
  void* out;      /* [rows, width] */
  float* scales;  /* [rows] */
} gavel_cuda_quantize;

/* Per row of the fused query, key and value product: adds the bias, norms the heads of q and k (Qwen3), turns
 * both by the row's position, writes the queries, and the keys and values to the row's slot. Reference: rope. */
typedef struct gavel_cuda_rope {
  int32_t type;
  int32_t rows;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;         /* a multiple of 16, at most 256 */
  const void* qkv;          /* [rows, (heads + 2 kv_heads) * head_dim] T */
  const void* bias;         /* [(heads + 2 kv_heads) * head_dim] T, or null */
  const void* query_norm;   /* [head_dim] T, or null */
  const void* key_norm;     /* [head_dim] T, or null */
  float epsilon;            /* of both norms */
  const int32_t* positions; /* [rows] */
  const float* cosines;     /* [positions, head_dim / 2] */
  const float* sines;       /* [positions, head_dim / 2] */
  const int32_t* slots;     /* [rows] where keys and values go */
  void* queries;            /* [rows, heads, head_dim] T */
  void* keys;               /* [slots, kv_heads, head_dim] T */
  void* values;             /* [slots, kv_heads, head_dim] T */
} gavel_cuda_rope;

/* Some consecutive query rows and the keys they see: first the slots of a list, seen by all of them, then the
 * rows own_begin to own_end of the batch, of which row r sees those from row_first[r] to r. So a tile may hold
 * several sequences with the same ancestors. Every row must see at least one key. A tile without rows fills up a
 * launch of fixed size. */
typedef struct gavel_cuda_tile {
  int32_t row_begin;
  int32_t row_end;
  int32_t list_begin; /* into slot_list */
  int32_t list_count;
  int32_t own_begin;
  int32_t own_end;
  int32_t partial; /* -1: writes out; else the first of its rows in partial_out */
} gavel_cuda_tile;

/* out[r] = sum_p softmax_p(scale * q[r] . K[p]) V[p]; query head h reads KV head h / (heads / kv_heads). Where
 * keys are split over tiles, each writes what it has and the logarithm of its sum, and attention_merge puts
 * them together. Reference: attention. */
typedef struct gavel_cuda_attention {
  int32_t type;
  int32_t heads;
  int32_t kv_heads;
  int32_t head_dim;    /* a multiple of 8, at most 128 */
  float scale;         /* 1 / sqrt(head_dim) as a rule */
  const void* queries; /* [rows, heads, head_dim] T */
  const void* keys;    /* [slots, kv_heads, head_dim] T */
  const void* values;  /* [slots, kv_heads, head_dim] T */
  int32_t tiles;
  int32_t tile_rows;           /* most rows of a tile; prefill: at most 128 / (heads / kv_heads); decode: 1 */
  const gavel_cuda_tile* tile; /* [tiles] */
  const int32_t* slot_list;    /* slots in lists */
  const int32_t* row_slots;    /* [rows] slot of a row's own key and value */
  const int32_t* row_first;    /* [rows] first row of the row's sequence */
  void* out;                   /* [rows, heads, head_dim] T */
  float* partial_out;          /* [partial rows, heads, head_dim] */
  float* partial_log_sums;     /* [partial rows, heads], natural logarithm */
} gavel_cuda_attention;

/* Row rows[i] of out from partial rows parts[offsets[i]] to parts[offsets[i + 1]]. */
typedef struct gavel_cuda_merge {
  int32_t type;
  int32_t rows;
  int32_t heads;
  int32_t head_dim;            /* a multiple of 8 */
  const int32_t* row;          /* [rows]; -1 fills up a launch of fixed size */
  const int32_t* part_offsets; /* [rows + 1] */
  const int32_t* parts;        /* partial rows, in the order of their keys */
  const float* partial_out;
  const float* partial_log_sums;
  void* out; /* [.., heads, head_dim] T */
} gavel_cuda_merge;

/* From the hidden states of scored sequences to label distributions and tiers. Sequence s has `nodes` hidden
 * rows, one per inner node of the labels' token trie, the root first. The label's weight is the sum over its
 * forms of the product over the form's steps; the root's normalizer cancels. Reference: model/head.
 * Candidate logits are fp32 from the residual stream; normalizers stream the whole vocabulary through the
 * matrix units and keep maximum and sum only. Without normalizers `normed` may be null. */
typedef struct gavel_cuda_head {
  int32_t type;
  int32_t sequences;
  int32_t nodes; /* 1 to 64 */
  int32_t width; /* a multiple of 8 */
  int32_t vocabulary;
  const void* residual;    /* [sequences * nodes, width] T, before the final norm */
  const void* normed;      /* [sequences * nodes, width] T, after it */
  const void* norm_weight; /* [width] T */
  float epsilon;
  const void* head; /* [vocabulary, width] T */
  int32_t candidates;
  const int32_t* candidate_tokens; /* [candidates] */
  const int32_t* candidate_nodes;  /* [candidates] */
  int32_t labels;
  const int32_t* label_offsets; /* [labels + 1] into forms */
  const int32_t* form_offsets;  /* [forms + 1] into form_steps */
  const int32_t* form_steps;    /* candidates */
  int32_t normalizers;          /* 0 or 1; must be 1 for nodes > 1 and for log_mass */
  void* workspace;              /* head_workspace_bytes; its first call after allocation wants it zeroed */
  float* log_probabilities;     /* [sequences, labels] */
  float* log_mass;              /* [sequences], or null */
  float tier_threshold;         /* see accumulate */
  int32_t* tiers;               /* [sequences], or null */
} gavel_cuda_head;

/* One token per row of logits: temperature, then top-k, then top-p on what top-k left, then a draw by
 * Philox4x32-10 of (seed, draw); the lower token wins among equal logits. The log-probability is the model's
 * own, at temperature 1. Logits are finite or -infinity, and one of them finite; a row of others has no distribution,
 * gets token -1 and log-probability NaN, and changes no other row. Reference: model/sampler. */
typedef struct gavel_cuda_sampler {
  int32_t logits_type; /* BF16 or FP16, or -1: fp32 */
  int32_t rows;
  int32_t vocabulary;
  int64_t stride; /* elements from row to row */
  const void* logits;
  const float* temperatures; /* [rows] finite; 0 is greedy */
  const int32_t* top_ks;     /* [rows]; 0 keeps all */
  const float* top_ps;       /* [rows] above 0; 1 keeps all */
  const int64_t* seeds;      /* [rows] */
  const int32_t* draws;      /* [rows] */
  int32_t* tokens;           /* [rows] */
  float* log_probabilities;  /* [rows] */
} gavel_cuda_sampler;

/* The mean over sampled paths of an item's label probabilities, and its tier: the first label at which the
 * probability accumulated from the best grade down reaches the threshold, the last label if none does.
 * Reference: LabelDistribution.mean and TierRule on the Java side. */
typedef struct gavel_cuda_paths {
  int32_t items;
  int32_t labels;
  const int32_t* path_offsets;         /* [items + 1]; every item has a path */
  const float* path_log_probabilities; /* [paths, labels] normalized */
  float* log_probabilities;            /* [items, labels] */
  float tier_threshold;
  int32_t* tiers; /* [items], or null */
} gavel_cuda_paths;

/* Which experts a row goes through. Pair p belongs to row p / picks. Softmax over all experts, then the best
 * `picks`, best first, the lower index among equals. order lists the pairs by expert, stably. Rows from
 * *live_rows on fill up a launch of fixed size: they go through no expert. Reference: model/experts. */
typedef struct gavel_cuda_routing {
  int32_t rows;
  int32_t experts; /* at most 1024 */
  int32_t picks;   /* at most 32 */
  int32_t normalize;
  const int32_t* live_rows; /* [1], or null: all */
  const float* logits;      /* [rows, experts] */
  float* weights;           /* [rows, picks] */
  int32_t* chosen;          /* [rows, picks] */
  int32_t* begins;          /* [experts + 1] into order */
  int32_t* order;           /* [rows * picks] pairs */
} gavel_cuda_routing;

/* One product per expert over the pairs routed to it, in one launch.
 *   swiglu  out[pair, j] = silu(x . weight[e, j]) * (x . weight[e, columns + j]), x = rows[pair / picks]
 *   plain   out[pair, j] = x . weight[e, j],                                      x = rows[pair]
 * Rows and weights are of T or, where they have scales, in e4m3, and sums are multiplied by both scales. */
typedef struct gavel_cuda_grouped_gemm {
  int32_t type;
  int32_t swiglu; /* 0 or 1 */
  int32_t experts;
  int32_t pairs;
  int32_t picks;
  int32_t k;                  /* a multiple of 8, of e4m3 of 16 */
  int32_t columns;            /* a multiple of 8 */
  const int32_t* begins;      /* [experts + 1] */
  const int32_t* order;       /* [pairs] */
  const void* rows;           /* [pairs / picks, k] for swiglu, else [pairs, k] */
  const float* row_scales;    /* one for each of rows, or null */
  const void* weight;         /* [experts, columns (swiglu: 2 columns), k] */
  const float* weight_scales; /* [experts, columns (swiglu: 2 columns)], or null like row_scales */
  void* out;                  /* [pairs, columns] T */
} gavel_cuda_grouped_gemm;

/* out[r] = sum_p weights[r, p] * routed[r * picks + p] */
typedef struct gavel_cuda_combine {
  int32_t type;
  int32_t rows;
  int32_t picks;
  int32_t width;        /* a multiple of 8 */
  const void* routed;   /* [rows * picks, width] T */
  const float* weights; /* [rows, picks] */
  void* out;            /* [rows, width] T */
} gavel_cuda_combine;

typedef struct gavel_cuda_table {
  uint32_t version;
  uint32_t table_bytes;
  const char* (*error)(void); /* never null */

  /* Devices. device_count is 0 without a driver. */
  int32_t (*device_count)(int32_t* count);
  int32_t (*device_info)(int32_t device, gavel_cuda_device* info);
  int32_t (*use_device)(int32_t device); /* for the calling thread */

  /* Memory, aligned to 256 bytes. allocate_pinned is host memory that copies need not stage. */
  int32_t (*allocate)(size_t bytes, void** memory);
  int32_t (*release)(void* memory);
  int32_t (*allocate_pinned)(size_t bytes, void** memory);
  int32_t (*release_pinned)(void* memory);
  int32_t (*copy)(void* to, const void* from, size_t bytes, void* stream); /* any direction, enqueued */
  int32_t (*fill)(void* memory, int32_t byte, size_t bytes, void* stream); /* enqueued */

  /* Streams. Waiting reports what failed on the stream. */
  int32_t (*create_stream)(void** stream);
  int32_t (*release_stream)(void* stream);
  int32_t (*synchronize)(void* stream);

  /* Graphs: what is enqueued on the stream between begin and end becomes one launch, with the arguments of now and
   * the content of memory of then. Between the two only kernels, fills, and copies of pinned and device memory may be
   * asked for; the rest may fail, and end_graph with it. end_graph ends the recording in any case. */
  int32_t (*begin_graph)(void* stream);
  int32_t (*end_graph)(void* stream, void** graph);
  int32_t (*launch_graph)(void* graph, void* stream);
  int32_t (*release_graph)(void* graph);

  /* Device time between two marks, in seconds; waits for the second. */
  int32_t (*create_mark)(void** mark);
  int32_t (*record_mark)(void* mark, void* stream);
  int32_t (*seconds_between)(void* first, void* second, double* seconds);
  int32_t (*release_mark)(void* mark);

  /* Kernels. */
  int32_t (*rms_norm)(const gavel_cuda_rms_norm* args, void* stream);
  int32_t (*swiglu)(const gavel_cuda_swiglu* args, void* stream);
  int32_t (*quantize)(const gavel_cuda_quantize* args, void* stream);
  int32_t (*rope)(const gavel_cuda_rope* args, void* stream);
  int32_t (*attention_prefill)(const gavel_cuda_attention* args, void* stream);
  int32_t (*attention_decode)(const gavel_cuda_attention* args, void* stream);
  int32_t (*attention_merge)(const gavel_cuda_merge* args, void* stream);
  size_t (*head_workspace_bytes)(int32_t sequences, int32_t nodes, int32_t vocabulary, int32_t candidates);
  int32_t (*head)(const gavel_cuda_head* args, void* stream);
  int32_t (*sampler)(const gavel_cuda_sampler* args, void* stream);
  int32_t (*paths)(const gavel_cuda_paths* args, void* stream);
  int32_t (*routing)(const gavel_cuda_routing* args, void* stream);
  int32_t (*grouped_gemm)(const gavel_cuda_grouped_gemm* args, void* stream);
  int32_t (*combine)(const gavel_cuda_combine* args, void* stream);
} gavel_cuda_table;

/* The table, or null if this library's version is another. */
GAVEL_API const gavel_cuda_table* gavel_cuda(uint32_t version);

#ifdef __cplusplus
}
#endif
#endif /* GAVEL_CUDA_H */
