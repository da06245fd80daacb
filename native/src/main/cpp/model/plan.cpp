#include "model/plan.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention.h"
#include "support/error.h"

namespace gavel {

namespace {

void check_offsets(const char* name, const int32_t* offsets, int count, int least) {
  GAVEL_REQUIRE(offsets != nullptr, "%s: expected an array, found null", name);
  GAVEL_REQUIRE(offsets[0] == 0, "%s: expected 0 at the start, found %d", name, offsets[0]);
  for (int i = 0; i < count; i++) {
    GAVEL_REQUIRE(offsets[i + 1] - static_cast<int64_t>(offsets[i]) >= least,
                  "%s: expected at least %d between entries %d and %d, found %lld", name, least, i, i + 1,
                  static_cast<long long>(offsets[i + 1]) - offsets[i]);
  }
}

void check_sampling(const gavel_batch& b, int s) {
  GAVEL_REQUIRE(b.temperatures != nullptr && b.top_ks != nullptr && b.top_ps != nullptr && b.seeds != nullptr &&
                    b.draws != nullptr,
                "sequence %d: expected sampling arrays, found null", s);
  GAVEL_REQUIRE(b.temperatures[s] >= 0 && std::isfinite(b.temperatures[s]),
                "sequence %d: temperature: expected 0 or more, found %g", s, static_cast<double>(b.temperatures[s]));
  GAVEL_REQUIRE(b.top_ks[s] >= 0, "sequence %d: top_k: expected 0 or more, found %d", s, b.top_ks[s]);
  GAVEL_REQUIRE(b.top_ps[s] > 0 && b.top_ps[s] <= 1, "sequence %d: top_p: expected more than 0, at most 1, found %g", s,
                static_cast<double>(b.top_ps[s]));
}

}  // namespace

void Plan::build(const Config& config, const gavel_batch& source, const Labels* label_table) {
  batch = &source;
  labels = label_table;
  sequences.clear();
  tokens.clear();
  positions.clear();
  row_sequence.clear();
  outputs.clear();
  key_tiles = max_visible = scored = sampled = logit_rows = 0;
  kept_blocks_.assign(config.blocks, 0);

  const int count = source.sequences;
  GAVEL_REQUIRE(count >= 1, "sequences: expected at least 1, found %d", count);
  check_offsets("token_offsets", source.token_offsets, count, 1);
  check_offsets("chain_offsets", source.chain_offsets, count, 0);
  check_offsets("keep_offsets", source.keep_offsets, count, 0);
  GAVEL_REQUIRE(source.tokens != nullptr && source.parents != nullptr && source.outputs != nullptr,
                "batch: expected tokens, parents and outputs, found null");
  GAVEL_REQUIRE(source.token_offsets[count] <= config.batch_tokens_max, "batch: expected at most %d tokens, found %d",
                config.batch_tokens_max, source.token_offsets[count]);
  for (int s = 0; s < count; s++) {
    add_sequence(config, s);
  }
  for (int s = 0; s < count; s++) {
    add_output(s);
  }
  GAVEL_REQUIRE(rows() <= config.batch_tokens_max, "batch: expected at most %d tokens with the label trie's, found %d",
                config.batch_tokens_max, rows());
  GAVEL_REQUIRE(max_visible <= config.max_positions, "batch: expected at most %d positions, found %d",
                config.max_positions, max_visible);
}

void Plan::require_room(const gavel_outputs& results) const {
  GAVEL_REQUIRE(scored == 0 || (results.label_log_probabilities != nullptr &&
                                (batch->label_mass == 0 || results.label_log_mass != nullptr)),
                "outputs: expected room for labels, found null");
  GAVEL_REQUIRE(sampled == 0 || (results.sampled_tokens != nullptr && results.sampled_log_probabilities != nullptr),
                "outputs: expected room for samples, found null");
  GAVEL_REQUIRE(logit_rows == 0 || results.logits != nullptr, "outputs: expected room for logits, found null");
}

void Plan::add_sequence(const Config& config, int index) {
  const gavel_batch& b = *batch;
  const int parent = b.parents[index];
  GAVEL_REQUIRE(parent >= -1 && parent < index, "sequence %d: parent: expected -1 or an earlier sequence, found %d",
                index, parent);
  const int chained = chain_tokens(config, index);
  GAVEL_REQUIRE(parent < 0 || chained == 0, "sequence %d: expected a parent or a chain, found both", index);
  const int begin = b.token_offsets[index];
  const int count = b.token_offsets[index + 1] - begin;
  for (int i = begin; i < begin + count; i++) {
    GAVEL_REQUIRE(b.tokens[i] >= 0 && b.tokens[i] < config.vocabulary, "sequence %d: expected tokens 0 to %d, found %d",
                  index, config.vocabulary - 1, b.tokens[i]);
  }
  check_keep(config, index, count);
  PlannedSequence sequence{};
  sequence.parent = parent;
  sequence.position = parent < 0 ? chained : sequences[parent].position + sequences[parent].rows();
  sequence.chain_begin = b.chain_offsets[index];
  sequence.chain_end = b.chain_offsets[index + 1];
  const bool keeps = b.keep_offsets[index + 1] > b.keep_offsets[index];
  sequence.keep_begin = keeps ? b.keep_offsets[index] : -1;
  sequence.keep_start = keeps ? b.keep_starts[index] : 0;
  add_rows(b.tokens + begin, count, sequence);
}

int Plan::chain_tokens(const Config& config, int index) const {
  const gavel_batch& b = *batch;
  int64_t total = 0;
  for (int i = b.chain_offsets[index]; i < b.chain_offsets[index + 1]; i++) {
    GAVEL_REQUIRE(b.chain_blocks != nullptr && b.chain_counts != nullptr,
                  "sequence %d: expected chain blocks and counts, found null", index);
    GAVEL_REQUIRE(b.chain_blocks[i] >= 0 && b.chain_blocks[i] < config.blocks,
                  "sequence %d: chain: expected blocks 0 to %d, found %d", index, config.blocks - 1, b.chain_blocks[i]);
    GAVEL_REQUIRE(b.chain_counts[i] >= 1 && b.chain_counts[i] <= config.block_tokens,
                  "sequence %d: chain: expected 1 to %d tokens in block %d, found %d", index, config.block_tokens,
                  b.chain_blocks[i], b.chain_counts[i]);
    total += b.chain_counts[i];
  }
  GAVEL_REQUIRE(total <= config.max_positions, "sequence %d: expected at most %d positions, found %lld", index,
                config.max_positions, static_cast<long long>(total));
  return static_cast<int>(total);
}

void Plan::check_keep(const Config& config, int index, int count) {
  const gavel_batch& b = *batch;
  const int begin = b.keep_offsets[index];
  const int64_t blocks = b.keep_offsets[index + 1] - begin;
  if (blocks == 0) {
    return;
  }
  GAVEL_REQUIRE(b.keep_blocks != nullptr && b.keep_starts != nullptr,
                "sequence %d: expected keep blocks and starts, found null", index);
  const int start = b.keep_starts[index];
  GAVEL_REQUIRE(start >= 0 && start < config.block_tokens, "sequence %d: keep start: expected 0 to %d, found %d", index,
                config.block_tokens - 1, start);
  GAVEL_REQUIRE(blocks * config.block_tokens >= start + static_cast<int64_t>(count),
                "sequence %d: keep: expected room for %d tokens from slot %d, found %lld blocks of %d", index, count,
                start, static_cast<long long>(blocks), config.block_tokens);
  for (int64_t i = begin; i < begin + blocks; i++) {
    const int block = b.keep_blocks[i];
    GAVEL_REQUIRE(block >= 0 && block < config.blocks, "sequence %d: keep: expected blocks 0 to %d, found %d", index,
                  config.blocks - 1, block);
    GAVEL_REQUIRE(!kept_blocks_[block], "sequence %d: keep: expected block %d once in a batch, found it again", index,
                  block);
    kept_blocks_[block] = 1;
  }
}

void Plan::add_rows(const int32_t* source, int count, PlannedSequence sequence) {
  sequence.row_begin = rows();
  sequence.row_end = rows() + count;
  sequence.key_tile = key_tiles;
  key_tiles += (count + kKeyTile - 1) / kKeyTile;
  tokens.insert(tokens.end(), source, source + count);
  for (int i = 0; i < count; i++) {
    positions.push_back(sequence.position + i);
    row_sequence.push_back(static_cast<int>(sequences.size()));
  }
  max_visible = std::max(max_visible, sequence.position + count);
  sequences.push_back(sequence);
}

void Plan::add_output(int index) {
  const int kind = batch->outputs[index];
  const int last = sequences[index].row_end - 1;
  switch (kind) {
    case GAVEL_OUTPUT_NONE:
      break;
    case GAVEL_OUTPUT_LABELS:
      GAVEL_REQUIRE(labels != nullptr, "sequence %d: expected a label table, found null", index);
      outputs.push_back({last, index, kind, 0, scored});
      add_label_rows(index, scored);
      scored++;
      break;
    case GAVEL_OUTPUT_SAMPLE:
      check_sampling(*batch, index);
      outputs.push_back({last, index, kind, 0, sampled++});
      break;
    case GAVEL_OUTPUT_LOGITS:
      outputs.push_back({last, index, kind, 0, logit_rows++});
      break;
    default:
      fail(GAVEL_INVALID_ARGUMENT, "sequence %d: output: expected %d to %d, found %d", index, GAVEL_OUTPUT_NONE,
           GAVEL_OUTPUT_LOGITS, kind);
  }
}

// One row per inner node of the trie, each the child of the node before it.
void Plan::add_label_rows(int sequence, int scored_index) {
  const std::vector<LabelNode>& nodes = labels->nodes();
  node_sequence_.assign(nodes.size(), sequence);
  for (size_t n = 1; n < nodes.size(); n++) {
    PlannedSequence step{};
    step.parent = node_sequence_[nodes[n].parent];
    step.position = sequences[step.parent].position + sequences[step.parent].rows();
    step.keep_begin = -1;
    node_sequence_[n] = static_cast<int>(sequences.size());
    add_rows(&nodes[n].token, 1, step);
    outputs.push_back({rows() - 1, sequence, GAVEL_OUTPUT_LABELS, static_cast<int>(n), scored_index});
  }
}

}  // namespace gavel
