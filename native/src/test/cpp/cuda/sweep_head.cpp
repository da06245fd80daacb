// The label head against the definition: log-sum-exps in double over the whole vocabulary.
#include <algorithm>
#include <cmath>

#include "sweep.h"

namespace sweep {

namespace {

// A trie of forms: candidates at nodes, forms as steps, in the order of their labels.
struct Trie {
  int nodes = 1;
  int labels = 0;
  vector<int32_t> candidate_tokens;
  vector<int32_t> candidate_nodes;
  vector<int32_t> label_offsets{0};
  vector<int32_t> form_offsets{0};
  vector<int32_t> form_steps;
};

Trie make_trie(int labels, int nodes, int vocabulary) {
  Trie trie;
  trie.nodes = nodes;
  trie.labels = labels;
  const int per_node = labels + 2;
  for (int node = 0; node < nodes; node++) {
    for (int i = 0; i < per_node; i++) {
      trie.candidate_nodes.push_back(node);
      trie.candidate_tokens.push_back(random_int(0, vocabulary - 1));
    }
  }
  for (int label = 0; label < labels; label++) {
    const int forms = random_int(1, 3);
    for (int form = 0; form < forms; form++) {
      trie.form_steps.push_back(random_int(0, per_node - 1));
      for (int node = 1; node < nodes && coin(); node++) {
        trie.form_steps.push_back(node * per_node + random_int(0, per_node - 1));
      }
      trie.form_offsets.push_back(static_cast<int32_t>(trie.form_steps.size()));
    }
    trie.label_offsets.push_back(static_cast<int32_t>(trie.form_offsets.size()) - 1);
  }
  return trie;
}

double log_sum_exp(const vector<double>& terms) {
  const double highest = *std::max_element(terms.begin(), terms.end());
  double sum = 0;
  for (double term : terms) {
    sum += std::exp(term - highest);
  }
  return highest + std::log(sum);
}

double dot(const float* a, const float* b, int count, double* size) {
  double sum = 0;
  *size = 0;
  for (int i = 0; i < count; i++) {
    sum += static_cast<double>(a[i]) * b[i];
    *size += std::fabs(static_cast<double>(a[i]) * b[i]);
  }
  return sum;
}

struct Shape {
  int type;
  int sequences;
  int nodes;
  int labels;
  int width;
  int vocabulary;
  bool normalizers;
};

struct Inputs {
  Trie trie;
  vector<float> residual;
  vector<float> normed;  // in fp32, for candidates
  vector<float> rounded_normed;
  vector<float> weight;
  vector<float> head;
};

constexpr float kEpsilon = 1e-6f;
constexpr float kThreshold = 0.6f;

Inputs make_inputs(const Shape& s) {
  Inputs in;
  in.trie = make_trie(s.labels, s.nodes, s.vocabulary);
  const int rows = s.sequences * s.nodes;
  in.residual = rounded(s.type, randoms(static_cast<size_t>(rows) * s.width, 3));
  in.weight = rounded(s.type, randoms(s.width, 2));
  in.head = rounded(s.type, randoms(static_cast<size_t>(s.vocabulary) * s.width, 0.5f));
  for (int r = 0; r < rows; r++) {
    double squares = 0;
    for (int i = 0; i < s.width; i++) {
      squares += std::pow(in.residual[static_cast<size_t>(r) * s.width + i], 2.0);
    }
    for (int i = 0; i < s.width; i++) {
      in.normed.push_back(static_cast<float>(in.residual[static_cast<size_t>(r) * s.width + i] /
                                             std::sqrt(squares / s.width + kEpsilon) * in.weight[i]));
    }
  }
  in.rounded_normed = rounded(s.type, in.normed);
  return in;
}

struct Expected {
  vector<double> log_probabilities;
  double log_mass;
  double error;
};

Expected expect(const Shape& s, const Inputs& in, int sequence) {
  vector<double> normalizers(s.nodes);
  double error = 0;
  for (int node = 0; node < s.nodes && s.normalizers; node++) {
    vector<double> logits;
    for (int v = 0; v < s.vocabulary; v++) {
      double size;
      logits.push_back(dot(in.rounded_normed.data() + static_cast<size_t>(sequence * s.nodes + node) * s.width,
                           in.head.data() + static_cast<size_t>(v) * s.width, s.width, &size));
      error = std::max(error, (s.width + 4) * kUnit * size);
    }
    normalizers[node] = log_sum_exp(logits);
  }
  // Each step is off by a product's error, and the log-sum-exps by a few units more.
  Expected result;
  vector<double> weights;
  size_t steps_most = 1;
  for (int label = 0; label < s.labels; label++) {
    vector<double> terms;
    for (int form = in.trie.label_offsets[label]; form < in.trie.label_offsets[label + 1]; form++) {
      double weight = 0;
      for (int step = in.trie.form_offsets[form]; step < in.trie.form_offsets[form + 1]; step++) {
        const int candidate = in.trie.form_steps[step];
        const int node = in.trie.candidate_nodes[candidate];
        double size;
        weight +=
            dot(in.normed.data() + static_cast<size_t>(sequence * s.nodes + node) * s.width,
                in.head.data() + static_cast<size_t>(in.trie.candidate_tokens[candidate]) * s.width, s.width, &size) -
            (node > 0 ? normalizers[node] : 0);
        error = std::max(error, (2 * s.width + 8) * kUnit * size);
      }
      steps_most =
          std::max(steps_most, static_cast<size_t>(in.trie.form_offsets[form + 1] - in.trie.form_offsets[form]));
      terms.push_back(weight);
    }
    weights.push_back(log_sum_exp(terms));
  }
  const double total = log_sum_exp(weights);
  for (double weight : weights) {
    result.log_probabilities.push_back(weight - total);
  }
  result.log_mass = total - normalizers[0];
  double magnitude = std::fabs(total);
  for (double weight : weights) {
    magnitude = std::max(magnitude, std::fabs(weight));
  }
  result.error = 2 * (static_cast<double>(steps_most) * (2 * error + 64 * kUnit) + (magnitude + 16) * 8 * kUnit) +
                 (s.normalizers ? 2e3 * kUnit : 0);
  return result;
}

void test(const Shape& s, bool mass) {
  const Inputs in = make_inputs(s);
  const Array<uint16_t> residual(encode(s.type, in.residual)), normed(encode(s.type, in.rounded_normed)),
      weight(encode(s.type, in.weight)), head(encode(s.type, in.head));
  const Array<int32_t> tokens(in.trie.candidate_tokens), nodes(in.trie.candidate_nodes),
      label_offsets(in.trie.label_offsets), form_offsets(in.trie.form_offsets), form_steps(in.trie.form_steps);
  const int candidates = static_cast<int>(in.trie.candidate_tokens.size());
  const Array<uint8_t> workspace(
      vector<uint8_t>(table().head_workspace_bytes(s.sequences, s.nodes, s.vocabulary, candidates), 0));
  gavel_cuda_head args{};
  args.type = s.type;
  args.sequences = s.sequences;
  args.nodes = s.nodes;
  args.width = s.width;
  args.vocabulary = s.vocabulary;
  args.residual = residual.data();
  args.normed = s.normalizers ? normed.data() : nullptr;
  args.norm_weight = weight.data();
  args.epsilon = kEpsilon;
  args.head = head.data();
  args.candidates = candidates;
  args.candidate_tokens = tokens.data();
  args.candidate_nodes = nodes.data();
  args.labels = s.labels;
  args.label_offsets = label_offsets.data();
  args.form_offsets = form_offsets.data();
  args.form_steps = form_steps.data();
  args.normalizers = s.normalizers;
  args.workspace = workspace.data();
  args.tier_threshold = kThreshold;
  vector<vector<float>> runs;
  for (int run = 0; run < 2; run++) {  // the second finds the workspace as the first left it
    const Array<float> log_probabilities(static_cast<size_t>(s.sequences) * s.labels), log_mass(s.sequences);
    const Array<int32_t> tiers(s.sequences);
    args.log_probabilities = log_probabilities.data();
    args.log_mass = mass ? log_mass.data() : nullptr;
    args.tiers = tiers.data();
    require(table().head(&args, stream()), "head");
    runs.push_back(log_probabilities.read());
    const vector<float> masses = log_mass.read();
    const vector<int32_t> found_tiers = tiers.read();
    const std::string what = "head " + name(s.type) + " sequences " + std::to_string(s.sequences) + " nodes " +
                             std::to_string(s.nodes) + " vocabulary " + std::to_string(s.vocabulary) + " width " +
                             std::to_string(s.width);
    for (int q = 0; q < s.sequences && run == 0; q++) {
      const Expected expected = expect(s, in, q);
      double cumulative = 0;
      int tier = s.labels - 1;
      for (int l = 0; l < s.labels; l++) {
        const float found = runs[0][static_cast<size_t>(q) * s.labels + l];
        expect_near(what, expected.log_probabilities[l], found, expected.error);
        cumulative += std::exp(static_cast<double>(found));
        tier = l + 1 < s.labels && cumulative >= static_cast<double>(kThreshold) && tier == s.labels - 1 ? l : tier;
      }
      expect_equal(what + " tier", tier, found_tiers[q]);
      if (mass) {
        expect_near(what + " mass", expected.log_mass, masses[q], expected.error);
      }
    }
  }
  for (size_t i = 0; i < runs[0].size(); i++) {
    expect_near("head again", runs[0][i], runs[1][i], 0);
  }
}

}  // namespace

void sweep_head() {
  for (const int type : {GAVEL_CUDA_BF16, GAVEL_CUDA_FP16}) {
    test({type, 5, 1, 4, 64, 300, false}, false);
    test({type, 1, 1, 1, 8, 1, true}, true);
    test({type, random_int(1, 9), 1, 4, 200, random_int(129, 500), true}, true);
    test({type, 13, 7, 3, 72, 207, true}, coin());
    test({type, 65, 1, 40, 136, 260, true}, true);
    test({type, 3, 33, 5, 64, 128, true}, false);
  }
  gavel_cuda_head bad{};
  bad.nodes = 65;
  expect_refused(table().head(&bad, stream()), "nodes: expected 1 to 64");
  bad.nodes = 2;
  bad.width = 8;
  bad.vocabulary = bad.labels = bad.candidates = 1;
  expect_refused(table().head(&bad, stream()), "normalizers: expected 1");
}

}  // namespace sweep
