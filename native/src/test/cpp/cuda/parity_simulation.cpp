#include "parity_simulation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "device/types.h"
#include "model/config.h"
#include "model/rope_table.h"

namespace parity {

namespace {

using gavel::cuda::from_float;
using gavel::cuda::to_float;
using std::vector;
using Row = vector<double>;

class Simulation {
 public:
  Simulation(const Checkpoint& checkpoint, int32_t quantization)
      : checkpoint_(checkpoint),
        c_(checkpoint.config),
        quantization_(quantization),
        rope_(gavel::Config(checkpoint.shape())) {}

  void begin() {
    position_ = 0;
    keys_.assign(c_.layers, {});
    values_.assign(c_.layers, {});
  }

  // Logits after the sequence's next token.
  Row next(int32_t token) {
    rope_.reserve(position_ + 1);
    Row stream = row_of("model.embed_tokens.weight", token, c_.hidden);
    for (int l = 0; l < c_.layers; l++) {
      layer_ = "model.layers." + std::to_string(l) + ".";
      last_ = l + 1 == c_.layers;
      const Row attended = attend(normed(stream, layer_ + "input_layernorm.weight", c_.rms_epsilon), l);
      add(stream, linear(layer_ + "self_attn.o_proj.weight", attended));
      const Row input = normed(stream, layer_ + "post_attention_layernorm.weight", c_.rms_epsilon);
      const bool sparse = c_.experts > 0 && (checkpoint_.dense_layers.empty() || checkpoint_.dense_layers[l] == 0);
      add(stream, sparse ? experts(input) : feed_forward(input));
    }
    position_++;
    const Row output = rounded(normed(stream, "model.norm.weight", c_.rms_epsilon));
    return multiply(matrix(c_.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight"), output);
  }

 private:
  using Matrix = vector<Row>;  // [rows, k]

  double round(double value) const {
    const auto x = static_cast<float>(value);
    return quantization_ == GAVEL_QUANTIZATION_FP16 ? to_float(from_float<gavel::cuda::Fp16>(x))
                                                    : to_float(from_float<gavel::cuda::Bf16>(x));
  }

  Row rounded(Row row) const {
    std::transform(row.begin(), row.end(), row.begin(), [this](double x) { return round(x); });
    return row;
  }

  // What is left of a row after e4m3 with a scale of its own. The scale is fp32, as everywhere.
  static Row quantized(Row row) {
    float most = 0;
    for (const double x : row) {
      most = std::max(most, std::fabs(static_cast<float>(x)));
    }
    const float inverse = most > 0 ? 448 / most : 0;
    for (double& x : row) {
      x = static_cast<double>(to_float(from_float<gavel::cuda::Fp8>(static_cast<float>(x) * inverse))) * (most / 448);
    }
    return row;
  }

  Row row_of(const std::string& name, int64_t row, int64_t k) const {
    const Tensor& tensor = checkpoint_.tensors.at(name);
    Row values;
    for (int64_t i = row * k; i < (row + 1) * k; i++) {
      values.push_back(round(static_cast<double>(to_float(gavel::cuda::Bf16{tensor.bf16[i]}))));
    }
    return values;
  }

  bool fp8(const std::string& name) const {
    return quantization_ == GAVEL_QUANTIZATION_FP8 && name.ends_with("_proj.weight") &&
           !(last_ && name.ends_with("down_proj.weight"));
  }

  const Matrix& matrix(const std::string& name) {
    Matrix& result = matrices_[name];
    const Tensor& tensor = checkpoint_.tensors.at(name);
    for (auto r = static_cast<int64_t>(result.size()); r < tensor.shape[0]; r++) {
      const Row row = row_of(name, r, tensor.shape[1]);
      result.push_back(fp8(name) ? quantized(row) : row);
    }
    return result;
  }

  static Row multiply(const Matrix& matrix, const Row& x) {
    Row out;
    for (const Row& row : matrix) {
      out.push_back(std::inner_product(row.begin(), row.end(), x.begin(), 0.0));
    }
    return out;
  }

  // Its input is rounded to 16 bits or to e4m3.
  Row product(const std::string& name, const Row& x) {
    return multiply(matrix(name), fp8(name) ? quantized(x) : rounded(x));
  }

  // A linear layer's result, rounded.
  Row linear(const std::string& name, const Row& x) { return rounded(product(name, x)); }

  Row normed(const Row& x, const std::string& weight, double epsilon) const {
    const double squares = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + epsilon);
    const Row gain = row_of(weight, 0, static_cast<int64_t>(x.size()));
    Row out;
    for (size_t i = 0; i < x.size(); i++) {
      out.push_back(x[i] * scale * gain[i]);
    }
    return out;
  }

  void add(Row& stream, const Row& delta) const {
    for (size_t i = 0; i < stream.size(); i++) {
      stream[i] = round(stream[i] + delta[i]);
    }
  }

  // Heads of queries, keys or values: bias, norm, rotation, and one rounding at the end.
  vector<Row> heads(const char* name, const Row& x, int count, bool turned) {
    const std::string prefix = layer_ + "self_attn." + name;
    const Row all = linear(prefix + "_proj.weight", x);
    const Row bias = c_.qkv_bias ? row_of(prefix + "_proj.bias", 0, static_cast<int64_t>(all.size())) : Row(all.size());
    vector<Row> result;
    for (int h = 0; h < count; h++) {
      Row head;
      for (int d = 0; d < c_.head_dim; d++) {
        head.push_back(all[h * c_.head_dim + d] + bias[h * c_.head_dim + d]);
      }
      if (turned && c_.qk_norm) {
        head = normed(head, prefix + "_norm.weight", c_.rms_epsilon);
      }
      if (turned) {
        turn(head);
      }
      result.push_back(rounded(head));
    }
    return result;
  }

  void turn(Row& head) const {
    const int half = c_.head_dim / 2;
    for (int i = 0; i < half; i++) {
      const double cosine = rope_.cosines(position_)[i];
      const double sine = rope_.sines(position_)[i];
      const double first = head[i];
      head[i] = first * cosine - head[i + half] * sine;
      head[i + half] = head[i + half] * cosine + first * sine;
    }
  }

  Row attend(const Row& x, int layer) {
    const vector<Row> queries = heads("q", x, c_.heads, true);
    keys_[layer].push_back(heads("k", x, c_.kv_heads, true));
    values_[layer].push_back(heads("v", x, c_.kv_heads, false));
    Row out;
    for (int h = 0; h < c_.heads; h++) {
      const int kv = h / (c_.heads / c_.kv_heads);
      Row weights;
      for (const vector<Row>& key : keys_[layer]) {
        weights.push_back(std::inner_product(key[kv].begin(), key[kv].end(), queries[h].begin(), 0.0) /
                          std::sqrt(static_cast<double>(c_.head_dim)));
      }
      softmax(weights);
      for (int d = 0; d < c_.head_dim; d++) {
        double sum = 0;
        for (size_t p = 0; p < weights.size(); p++) {
          sum += weights[p] * values_[layer][p][kv][d];
        }
        out.push_back(round(sum));
      }
    }
    return out;
  }

  static void softmax(Row& x) {
    const double highest = *std::max_element(x.begin(), x.end());
    double total = 0;
    for (double& value : x) {
      value = std::exp(value - highest);
      total += value;
    }
    for (double& value : x) {
      value /= total;
    }
  }

  static Row swiglu(const Row& gate, const Row& up) {
    Row out;
    for (size_t i = 0; i < gate.size(); i++) {
      out.push_back(gate[i] / (1 + std::exp(-gate[i])) * up[i]);
    }
    return out;
  }

  Row feed_forward(const Row& x) {
    const std::string mlp = layer_ + "mlp.";
    return linear(mlp + "down_proj.weight",
                  swiglu(linear(mlp + "gate_proj.weight", x), linear(mlp + "up_proj.weight", x)));
  }

  // The router's input stays in 16 bits; gate and up are not rounded before they are multiplied, their product is
  // before it is quantized.
  Row experts(const Row& input) {
    const std::string mlp = layer_ + "mlp.";
    Row weights = multiply(matrix(mlp + "gate.weight"), rounded(input));
    softmax(weights);
    vector<int> order(weights.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return weights[a] > weights[b]; });
    order.resize(c_.experts_per_token);
    double total = 0;
    for (const int expert : order) {
      total += weights[expert];
    }
    Row out(input.size());
    for (const int expert : order) {
      const std::string prefix = mlp + "experts." + std::to_string(expert) + ".";
      const Row hidden =
          rounded(swiglu(product(prefix + "gate_proj.weight", input), product(prefix + "up_proj.weight", input)));
      const Row result = linear(prefix + "down_proj.weight", hidden);
      for (size_t i = 0; i < out.size(); i++) {
        out[i] += weights[expert] / (c_.normalize_experts ? total : 1) * result[i];
      }
    }
    return rounded(out);
  }

  const Checkpoint& checkpoint_;
  const gavel_config& c_;
  const int32_t quantization_;
  gavel::RopeTable rope_;
  std::map<std::string, Matrix> matrices_;
  std::string layer_;  // the prefix of the current one's tensors
  bool last_ = false;
  int position_ = 0;
  vector<vector<vector<Row>>> keys_, values_;  // [layers][tokens][kv_heads]
};

}  // namespace

vector<double> simulate(const Checkpoint& checkpoint, int32_t quantization, const vector<vector<int32_t>>& sequences) {
  Simulation simulation(checkpoint, quantization);
  vector<double> logits;
  for (const vector<int32_t>& tokens : sequences) {
    simulation.begin();
    for (const int32_t token : tokens) {
      const Row row = simulation.next(token);
      logits.insert(logits.end(), row.begin(), row.end());
    }
  }
  return logits;
}

}  // namespace parity
