#include "model/labels.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "support/error.h"

namespace gavel {

namespace {

struct RawForm {
  int label;
  std::vector<int32_t> tokens;
};

std::string tokens_text(const std::vector<int32_t>& tokens) {
  std::string text = "[";
  for (size_t i = 0; i < tokens.size(); i++) {
    text += (i > 0 ? ", " : "") + std::to_string(tokens[i]);
  }
  return text + "]";
}

bool begins_with(const std::vector<int32_t>& tokens, const std::vector<int32_t>& start) {
  return start.size() <= tokens.size() && std::equal(start.begin(), start.end(), tokens.begin());
}

// Drops forms that begin with another form of their label; fails where the labels differ. Sorted, a
// form directly follows the forms it begins with.
std::vector<RawForm> distinct(std::vector<RawForm> forms) {
  std::stable_sort(forms.begin(), forms.end(), [](const RawForm& a, const RawForm& b) { return a.tokens < b.tokens; });
  std::vector<RawForm> kept;
  for (RawForm& form : forms) {
    if (!kept.empty() && begins_with(form.tokens, kept.back().tokens)) {
      GAVEL_REQUIRE(form.label == kept.back().label,
                    "labels: expected no form to begin with a form of another label, found %s of label %d and %s of "
                    "label %d",
                    tokens_text(form.tokens).c_str(), form.label, tokens_text(kept.back().tokens).c_str(),
                    kept.back().label);
      continue;
    }
    kept.push_back(std::move(form));
  }
  return kept;
}

}  // namespace

Labels::Labels(int vocabulary, int labels, int forms, const int32_t* form_labels, const int32_t* form_offsets,
               const int32_t* form_tokens)
    : count_(labels), nodes_(1) {
  GAVEL_REQUIRE(labels >= 1 && labels <= 4096, "labels: expected 1 to 4096, found %d", labels);
  GAVEL_REQUIRE(forms >= labels && forms <= 65536, "label forms: expected %d to 65536, found %d", labels, forms);
  GAVEL_REQUIRE(form_labels != nullptr && form_offsets != nullptr && form_tokens != nullptr,
                "label forms: expected labels, offsets and tokens, found null");
  std::vector<RawForm> raw;
  std::vector<bool> named(labels);
  for (int f = 0; f < forms; f++) {
    GAVEL_REQUIRE(form_labels[f] >= 0 && form_labels[f] < labels, "form %d: expected label 0 to %d, found %d", f,
                  labels - 1, form_labels[f]);
    const int length = form_offsets[f + 1] - form_offsets[f];
    GAVEL_REQUIRE(length >= 1 && length <= 64, "form %d: expected 1 to 64 tokens, found %d", f, length);
    const int32_t* tokens = form_tokens + form_offsets[f];
    for (int i = 0; i < length; i++) {
      GAVEL_REQUIRE(tokens[i] >= 0 && tokens[i] < vocabulary, "form %d: expected tokens 0 to %d, found %d", f,
                    vocabulary - 1, tokens[i]);
    }
    raw.push_back({form_labels[f], {tokens, tokens + length}});
    named[form_labels[f]] = true;
  }
  for (int l = 0; l < labels; l++) {
    GAVEL_REQUIRE(named[l], "label %d: expected a form, found none", l);
  }
  for (const RawForm& form : distinct(std::move(raw))) {
    add(form.label, form.tokens.data(), static_cast<int>(form.tokens.size()));
  }
  flatten();
}

void Labels::pack_heads(const Weights& weights) {
  for (LabelNode& node : nodes_) {
    node.head = weights.head_of(node.candidates);
  }
}

void Labels::flatten() {
  std::vector<int> begins;
  for (size_t n = 0; n < nodes_.size(); n++) {
    begins.push_back(static_cast<int>(flat_.candidate_tokens.size()));
    const std::vector<int32_t>& candidates = nodes_[n].candidates;
    flat_.candidate_tokens.insert(flat_.candidate_tokens.end(), candidates.begin(), candidates.end());
    flat_.candidate_nodes.resize(flat_.candidate_tokens.size(), static_cast<int32_t>(n));
  }
  std::vector<const LabelForm*> sorted;
  for (const LabelForm& form : forms_) {
    sorted.push_back(&form);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const LabelForm* a, const LabelForm* b) { return a->label < b->label; });
  flat_.label_offsets.assign(count_ + 1, 0);
  flat_.form_offsets.push_back(0);
  for (const LabelForm* form : sorted) {
    flat_.label_offsets[form->label + 1]++;
    for (size_t step = 0; step < form->nodes.size(); step++) {
      flat_.form_steps.push_back(begins[form->nodes[step]] + form->candidates[step]);
    }
    flat_.form_offsets.push_back(static_cast<int32_t>(flat_.form_steps.size()));
  }
  std::partial_sum(flat_.label_offsets.begin(), flat_.label_offsets.end(), flat_.label_offsets.begin());
}

void Labels::add(int label, const int32_t* tokens, int count) {
  LabelForm form{label, {}, {}};
  int at = 0;
  for (int i = 0; i < count; i++) {
    std::vector<int32_t>& candidates = nodes_[at].candidates;
    const auto found = std::find(candidates.begin(), candidates.end(), tokens[i]);
    form.nodes.push_back(at);
    form.candidates.push_back(static_cast<int>(found - candidates.begin()));
    if (found == candidates.end()) {
      candidates.push_back(tokens[i]);
    }
    if (i + 1 == count) {
      break;
    }
    int next = 0;
    for (size_t n = 1; n < nodes_.size() && next == 0; n++) {
      next = nodes_[n].parent == at && nodes_[n].token == tokens[i] ? static_cast<int>(n) : 0;
    }
    if (next == 0) {
      next = static_cast<int>(nodes_.size());
      nodes_.emplace_back();
      nodes_[next].parent = at;
      nodes_[next].token = tokens[i];
    }
    at = next;
  }
  forms_.push_back(std::move(form));
}

}  // namespace gavel
