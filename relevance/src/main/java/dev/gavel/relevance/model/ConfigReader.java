package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.RopeScaling;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;

/**
 * Reads {@code config.json} into a {@link ModelConfig}. Both spellings of Transformers are known:
 * {@code rope_theta} with {@code rope_scaling} (4), and {@code rope_parameters} (5). Absent keys
 * mean what Transformers' configuration classes mean by them; what the engine cannot compute is an
 * error, never ignored.
 */
final class ConfigReader {
  static final List<String> SUPPORTED = List.of("llama", "qwen2", "qwen3", "qwen3_moe");
  private static final int MAX = 1 << 24;

  private final JsonObject json;
  private final String type;

  private ConfigReader(JsonObject json) {
    this.json = json;
    this.type = json.string("model_type");
    if (!SUPPORTED.contains(type)) {
      throw json.wrong("model_type", "one of " + SUPPORTED, type);
    }
  }

  /** Reads {@code directory/config.json}. */
  static ModelConfig read(Path directory) {
    return parse(JsonFile.read(directory.resolve("config.json")));
  }

  static ModelConfig parse(JsonObject json) {
    return new ConfigReader(json).config();
  }

  private ModelConfig config() {
    refuseUnsupported();
    int hidden = size("hidden_size");
    int layers = size("num_hidden_layers");
    int heads = size("num_attention_heads");
    int kvHeads = json.integer("num_key_value_heads", 1, MAX, heads);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of " + heads + " heads", kvHeads);
    }
    boolean sparse = type.equals("qwen3_moe");
    int experts = sparse ? experts() : 0;
    return new ModelConfig(
        type,
        size("vocab_size"),
        hidden,
        layers,
        heads,
        kvHeads,
        headDim(hidden, heads),
        size("intermediate_size"),
        size("max_position_embeddings"),
        ropeTheta(),
        ropeScaling(),
        positive("rms_norm_eps", json.number("rms_norm_eps", 1e-6)),
        type.equals("qwen2"),
        type.startsWith("qwen3"),
        json.bool("tie_word_embeddings", false),
        experts,
        sparse ? json.integer("num_experts_per_tok", 1, experts) : 0,
        sparse ? size("moe_intermediate_size") : 0,
        sparse && json.bool("norm_topk_prob", false),
        sparse ? denseLayers(layers) : new BitSet());
  }

  private int size(String key) {
    return json.integer(key, 1, MAX);
  }

  private double positive(String key, double value) {
    if (!(value > 0)) {
      throw json.wrong(key, "more than 0", value);
    }
    return value;
  }

  private void refuseUnsupported() {
    String activation = json.string("hidden_act", "silu");
    if (!activation.equals("silu")) {
      throw json.wrong("hidden_act", "silu", activation);
    }
    for (String bias : List.of("attention_bias", "mlp_bias")) {
      if (json.bool(bias, false)) {
        throw json.wrong(bias, "false for " + type, true);
      }
    }
    if (json.bool("use_sliding_window", false)) {
      throw json.wrong("use_sliding_window", "false (full attention)", true);
    }
    for (String layer : json.strings("layer_types")) {
      if (!layer.equals("full_attention")) {
        throw json.wrong("layer_types", "full_attention", layer);
      }
    }
  }

  private int headDim(int hidden, int heads) {
    int headDim;
    if (json.has("head_dim")) {
      headDim = size("head_dim");
    } else if (hidden % heads == 0) {
      headDim = hidden / heads;
    } else {
      throw json.wrong(
          "head_dim", "a value, as " + heads + " heads do not divide " + hidden, "nothing");
    }
    if (headDim % 2 != 0) {
      throw json.wrong("head_dim", "an even number", headDim);
    }
    return headDim;
  }

  private double ropeTheta() {
    JsonObject rope = json.has("rope_parameters") ? json.object("rope_parameters") : json;
    double theta = rope.number("rope_theta", json.number("rope_theta", 10_000));
    if (!(theta > 1)) {
      throw rope.wrong("rope_theta", "more than 1", theta);
    }
    return theta;
  }

  private RopeScaling ropeScaling() {
    String key = json.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    if (!json.has(key)) {
      return RopeScaling.NONE;
    }
    JsonObject rope = json.object(key);
    String kind = rope.string("rope_type", rope.string("type", "default"));
    if (rope.number("partial_rotary_factor", 1) != 1) {
      throw rope.wrong("partial_rotary_factor", "1", rope.number("partial_rotary_factor"));
    }
    return switch (kind) {
      case "default" -> RopeScaling.NONE;
      case "linear" ->
          new RopeScaling(RopeScaling.Kind.LINEAR, atLeastOne(rope, "factor"), 1, 1, 0);
      case "llama3" -> llama3(rope);
      default -> throw rope.wrong("rope_type", "default, linear or llama3", kind);
    };
  }

  private static RopeScaling llama3(JsonObject rope) {
    double low = rope.number("low_freq_factor");
    double high = rope.number("high_freq_factor");
    if (!(low > 0 && high > low)) {
      throw rope.wrong("high_freq_factor", "more than low_freq_factor (" + low + ") above 0", high);
    }
    return new RopeScaling(
        RopeScaling.Kind.LLAMA3,
        atLeastOne(rope, "factor"),
        low,
        high,
        rope.integer("original_max_position_embeddings", 1, MAX));
  }

  private static double atLeastOne(JsonObject rope, String key) {
    double value = rope.number(key);
    if (!(value >= 1)) {
      throw rope.wrong(key, "1 or more", value);
    }
    return value;
  }

  /** Transformers 4 writes {@code num_experts}, 5 {@code num_local_experts}. */
  private int experts() {
    String key = json.has("num_experts") ? "num_experts" : "num_local_experts";
    if (!json.has(key)) {
      throw json.wrong("num_experts", "an integer", "nothing (nor num_local_experts)");
    }
    return json.integer(key, 1, 4096);
  }

  /** A layer is sparse unless listed, and if its number from 1 is a multiple of the step. */
  private BitSet denseLayers(int layers) {
    BitSet dense = new BitSet(layers);
    int step = json.integer("decoder_sparse_step", 1, MAX, 1);
    for (int layer = 0; layer < layers; layer++) {
      dense.set(layer, (layer + 1) % step != 0);
    }
    JsonNode listed = json.raw("mlp_only_layers");
    if (listed != null) {
      for (JsonNode layer : listed) {
        if (!layer.isInt() || layer.asInt() < 0 || layer.asInt() >= layers) {
          throw new ModelFormatException(
              json.file(),
              "mlp_only_layers: expected layers from 0 to " + (layers - 1) + ", found " + layer);
        }
        dense.set(layer.asInt());
      }
    }
    return dense;
  }
}
