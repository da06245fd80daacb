#include "parity_golden.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace parity {

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    std::printf("FAILED: expected the golden %s\n", file.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Just enough JSON for files that our own script and safetensors write: what follows a key.
class Json {
 public:
  explicit Json(std::string text) : text_(std::move(text)) {}

  // The place behind "key": from a place on, or the end.
  size_t value(const std::string& key, size_t from = 0) const {
    const size_t at = text_.find("\"" + key + "\":", from);
    return at == std::string::npos ? text_.size() : text_.find_first_not_of(' ', at + key.size() + 3);
  }

  double number(const std::string& key) const { return std::strtod(text_.c_str() + value(key), nullptr); }
  bool flag(const std::string& key) const { return text_.compare(value(key), 4, "true") == 0; }

  // The flat array of integers at a place.
  std::vector<int64_t> integers(size_t at) const {
    std::vector<int64_t> values;
    const char* end = text_.c_str() + text_.find(']', at);
    for (const char* c = text_.c_str() + at + 1; c < end;) {
      char* next = nullptr;
      values.push_back(std::strtoll(c, &next, 10));
      c = next + 1;
    }
    return values;
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void load_file(const std::filesystem::path& file, gavel::Engine& engine) {
  const std::string bytes = read(file);
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const Json json(bytes.substr(8, header));
  const std::string& text = json.text();
  for (size_t at = json.value("dtype"); at < text.size(); at = json.value("dtype", at)) {
    const size_t quote = text.rfind("\":{", at);
    const size_t begin = text.rfind('"', quote - 1) + 1;
    const std::vector<int64_t> shape = json.integers(json.value("shape", at));
    const std::vector<int64_t> offsets = json.integers(json.value("data_offsets", at));
    const int32_t dtype = text.compare(at, 5, "\"F16\"") == 0    ? GAVEL_F16
                          : text.compare(at, 6, "\"BF16\"") == 0 ? GAVEL_BF16
                                                                 : GAVEL_F32;
    engine.set_tensor(text.substr(begin, quote - begin).c_str(), dtype, static_cast<int32_t>(shape.size()),
                      shape.data(), bytes.data() + 8 + header + offsets[0], offsets[1] - offsets[0]);
  }
}

gavel_config read_config(const Json& json) {
  gavel_config c{};
  const auto integer = [&](const char* key) { return static_cast<int32_t>(json.number(key)); };
  c.vocabulary = integer("vocabulary");
  c.hidden = integer("hidden");
  c.layers = integer("layers");
  c.heads = integer("heads");
  c.kv_heads = integer("kvHeads");
  c.head_dim = integer("headDim");
  c.intermediate = integer("intermediate");
  c.max_positions = integer("maxPositions");
  c.rope_theta = json.number("ropeTheta");
  c.rms_epsilon = json.number("rmsEpsilon");
  const size_t kind = json.value("kind");
  c.rope_scaling = json.text().compare(kind, 8, "\"LLAMA3\"") == 0   ? GAVEL_ROPE_LLAMA3
                   : json.text().compare(kind, 8, "\"LINEAR\"") == 0 ? GAVEL_ROPE_LINEAR
                                                                     : GAVEL_ROPE_DEFAULT;
  c.rope_factor = json.number("factor");
  c.rope_low_frequency_factor = json.number("lowFrequencyFactor");
  c.rope_high_frequency_factor = json.number("highFrequencyFactor");
  c.rope_original_positions = integer("originalPositions");
  c.qkv_bias = json.flag("qkvBias");
  c.qk_norm = json.flag("qkNorm");
  c.tied_embeddings = json.flag("tiedEmbeddings");
  c.threads = 1;
  c.batch_tokens_max = 512;
  c.block_tokens = 16;
  return c;
}

}  // namespace

Golden read_golden(const std::string& folder) {
  const std::filesystem::path home(folder);
  const Json json(read(home / "golden.json"));
  Golden golden{read_config(json), folder, {}, {}};
  for (size_t at = json.value("tokens"); at < json.text().size(); at = json.value("tokens", at)) {
    const std::vector<int64_t> tokens = json.integers(at);
    golden.prompts.emplace_back(tokens.begin(), tokens.end());
  }
  const std::string logits = read(home / "logits.f64");
  golden.logits.resize(logits.size() / sizeof(double));
  std::memcpy(golden.logits.data(), logits.data(), logits.size());
  return golden;
}

void Golden::load(gavel::Engine& engine) const {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") {
      load_file(entry.path(), engine);
    }
  }
  engine.finish();
}

}  // namespace parity
