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
  HeadRows head;                    // the head's rows of the candidates
};

// One surface form as steps through the trie.
struct LabelForm {
  int label;
  std::vector<int> nodes;       // node at which each token is scored
  std::vector<int> candidates;  // its index among the node's candidates
};

// Checks and builds the trie; see gavel_labels_create.
class Labels {
 public:
  Labels(const Weights& weights, int vocabulary, int labels, int forms, const int32_t* form_labels,
         const int32_t* form_offsets, const int32_t* form_tokens);

  int count() const { return count_; }
  const std::vector<LabelNode>& nodes() const { return nodes_; }
  const std::vector<LabelForm>& forms() const { return forms_; }
  int extra_rows() const { return static_cast<int>(nodes_.size()) - 1; }

 private:
  void add(int label, const int32_t* tokens, int count);

  int count_;
  std::vector<LabelNode> nodes_;
  std::vector<LabelForm> forms_;
};

}  // namespace gavel
