// The labels' surface forms as a token trie.
#pragma once

#include <cstdint>
#include <vector>

#include "model/weights.h"

namespace gavel {

// A place in the trie: what has been said of a label so far. Node 0 is the root.
struct LabelNode {
  int parent = -1;                  // node
  int32_t token = -1;               // last token on the way here
  std::vector<int32_t> candidates;  // next tokens
  HeadRows head;                    // the head's rows of the candidates, if packed
};

// One surface form as steps through the trie.
struct LabelForm {
  int label;
  std::vector<int> nodes;       // node at which each token is scored
  std::vector<int> candidates;  // its index among the node's candidates
};

// The trie as the label head of a CUDA device wants it; see gavel_cuda_head.
struct FlatLabels {
  std::vector<int32_t> candidate_tokens;  // [candidates]
  std::vector<int32_t> candidate_nodes;   // [candidates]
  std::vector<int32_t> label_offsets;     // [labels + 1] into forms
  std::vector<int32_t> form_offsets;      // [forms + 1] into form_steps
  std::vector<int32_t> form_steps;        // candidates
};

// Checks and builds the trie; see gavel_labels_create.
class Labels {
 public:
  Labels(int vocabulary, int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
         const int32_t* form_tokens);

  // Packs the nodes' rows of the head; needed by the engine on the CPU only.
  void pack_heads(const Weights& weights);

  int count() const { return count_; }
  const std::vector<LabelNode>& nodes() const { return nodes_; }
  const std::vector<LabelForm>& forms() const { return forms_; }
  const FlatLabels& flat() const { return flat_; }
  int extra_rows() const { return static_cast<int>(nodes_.size()) - 1; }

 private:
  void add(int label, const int32_t* tokens, int count);
  void flatten();

  int count_;
  std::vector<LabelNode> nodes_;
  std::vector<LabelForm> forms_;
  FlatLabels flat_;
};

}  // namespace gavel
