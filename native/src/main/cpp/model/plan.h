// A batch, checked and laid out as rows: the seam's sequences followed by the label trie's.
#pragma once

#include <cstdint>
#include <vector>

#include "gavel.h"
#include "model/config.h"
#include "model/labels.h"

namespace gavel {

struct PlannedSequence {
  int row_begin;
  int row_end;
  int parent;                  // earlier sequence, or -1
  int position;                // of its first token
  int key_tile;                // its first tile in the key scratch
  int chain_begin, chain_end;  // into the batch's chain arrays; empty with a parent
  int keep_begin;              // into the batch's keep_blocks, or -1
  int keep_start;

  int rows() const { return row_end - row_begin; }
};

// A row whose final hidden state is needed.
struct PlannedOutput {
  int row;
  int sequence;  // of the seam
  int kind;      // gavel_output
  int node;      // LABELS: trie node, 0 is the root
  int index;     // among the outputs of its kind (LABELS: among scored sequences)
};

class Plan {
 public:
  // Checks everything that the seam promises before anything is computed.
  void build(const Config& config, const gavel_batch& batch, const Labels* labels);

  // Fails with INVALID_ARGUMENT where there is no room for what the plan yields.
  void require_room(const gavel_outputs& results) const;

  int rows() const { return static_cast<int>(tokens.size()); }

  const gavel_batch* batch = nullptr;
  const Labels* labels = nullptr;
  std::vector<PlannedSequence> sequences;
  std::vector<int32_t> tokens;    // [rows]
  std::vector<int> positions;     // [rows]
  std::vector<int> row_sequence;  // [rows]
  std::vector<PlannedOutput> outputs;
  int key_tiles = 0;
  int max_visible = 0;  // longest context, own tokens included
  int scored = 0;
  int sampled = 0;
  int logit_rows = 0;

 private:
  void add_sequence(const Config& config, int index);
  void add_rows(const int32_t* source, int count, PlannedSequence sequence);
  void add_output(int index);
  void add_label_rows(int sequence, int scored_index);
  int chain_tokens(const Config& config, int index) const;
  void check_keep(const Config& config, int index, int count);

  std::vector<int> node_sequence_;    // [trie nodes] scratch
  std::vector<uint8_t> kept_blocks_;  // [blocks] scratch: written by this batch
};

}  // namespace gavel
