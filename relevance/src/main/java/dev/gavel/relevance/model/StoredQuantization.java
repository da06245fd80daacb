package dev.gavel.relevance.model;

import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What {@code quantization_config} in {@code config.json} says: which modules are stored as
 * integers, and how. Understood is the quant_method {@code compressed-tensors} with symmetric
 * integer weights of 4 or 8 bits, a scale for each row or group of a row. Quantization of
 * activations is left out: it is done while computing, and here computing is in floats.
 */
final class StoredQuantization {
  private static final String KEY = "quantization_config";
  private static final String REGEX = "re:";
  private static final int GROUP_MAX = 1 << 20;

  /** Formats by whether the integers are packed. */
  private static final Map<String, Boolean> FORMATS =
      Map.of("pack-quantized", true, "int-quantized", false, "naive-quantized", false);

  /** Floats everywhere. */
  static final StoredQuantization NONE = new StoredQuantization(null);

  private record Target(String text, IntegerScheme scheme) {}

  private final JsonObject json; // null where nothing is quantized
  private final List<Target> targets = new ArrayList<>();
  private final Map<String, Pattern> patterns = new HashMap<>();
  private List<String> ignored = List.of();

  private StoredQuantization(JsonObject json) {
    this.json = json;
  }

  /** Reads {@code directory/config.json}. */
  static StoredQuantization read(Path directory) {
    return parse(JsonFile.read(directory.resolve("config.json")));
  }

  /**
   * Reads the part of a configuration; an absent one means floats.
   *
   * @throws dev.gavel.relevance.ModelFormatException naming what is not supported
   */
  static StoredQuantization parse(JsonObject config) {
    if (!config.has(KEY)) {
      return NONE;
    }
    StoredQuantization out = new StoredQuantization(config.object(KEY));
    out.readConfig();
    return out;
  }

  private void readConfig() {
    expect(json, "quant_method", "compressed-tensors", json.string("quant_method"));
    expect(json, "quantization_status", "compressed", json.string("quantization_status", ""));
    for (String key : List.of("kv_cache_scheme", "sparsity_config", "transform_config")) {
      boolean none = !json.has(key) || json.raw(key).isEmpty();
      boolean dense =
          key.equals("sparsity_config")
              && json.raw(key) != null
              && json.raw(key).path("format").asText().equals("dense");
      if (!none && !dense) {
        throw json.wrong(key, "nothing", json.raw(key));
      }
    }
    String format = json.string("format", "mixed-precision");
    ignored = json.strings("ignore");
    ignored.forEach(this::compile);
    JsonObject groups = json.object("config_groups");
    for (String name : groups.keys()) {
      JsonObject group = groups.object(name);
      IntegerScheme scheme = scheme(group, group.string("format", format));
      for (String target : group.strings("targets")) {
        compile(target);
        targets.add(new Target(target, scheme));
      }
    }
  }

  private void compile(String target) {
    if (target.startsWith(REGEX)) {
      try {
        patterns.put(target, Pattern.compile(target.substring(REGEX.length())));
      } catch (PatternSyntaxException e) {
        throw json.wrong("targets", "a regular expression", target);
      }
    }
  }

  private static void expect(JsonObject json, String key, String expected, String found) {
    if (!found.equals(expected)) {
      throw json.wrong(key, expected, found.isEmpty() ? "nothing" : found);
    }
  }

  private static IntegerScheme scheme(JsonObject group, String format) {
    if (!FORMATS.containsKey(format)) {
      throw group.wrong("format", "one of " + FORMATS.keySet().stream().sorted().toList(), format);
    }
    JsonObject weights = group.object("weights");
    expect(weights, "type", "int", weights.string("type", "int"));
    int bits = weights.integer("num_bits", 1, 64, 8);
    if (bits != 4 && bits != 8) {
      throw weights.wrong("num_bits", "4 or 8", bits);
    }
    for (String key : List.of("symmetric", "dynamic")) {
      boolean symmetric = key.equals("symmetric");
      if (weights.bool(key, symmetric) != symmetric) {
        throw weights.wrong(key, String.valueOf(symmetric), !symmetric);
      }
    }
    String order = weights.string("actorder", "weight");
    if (!Set.of("weight", "static").contains(order)) {
      throw weights.wrong("actorder", "weight or nothing", order);
    }
    String strategy = weights.string("strategy");
    int columns =
        switch (strategy) {
          case "channel" -> 0;
          case "group" -> weights.integer("group_size", 1, GROUP_MAX);
          default -> throw weights.wrong("strategy", "channel or group", strategy);
        };
    return new IntegerScheme(bits, columns, FORMATS.get(format));
  }

  /**
   * The scheme of a module, or null if it is not quantized. A target by full name goes before one
   * by regular expression, and that before one by class.
   *
   * @param module for example {@code model.layers.0.mlp.up_proj}
   */
  IntegerScheme find(String module) {
    if (ignored.stream().anyMatch(target -> names(target, module) || isClass(target, module))) {
      return null;
    }
    return targets.stream()
        .filter(target -> target.text().equals(module))
        .findFirst()
        .or(() -> targets.stream().filter(target -> names(target.text(), module)).findFirst())
        .or(() -> targets.stream().filter(target -> isClass(target.text(), module)).findFirst())
        .map(Target::scheme)
        .orElse(null);
  }

  private boolean names(String target, String module) {
    Pattern pattern = patterns.get(target);
    return pattern != null ? pattern.matcher(module).lookingAt() : target.equals(module);
  }

  private static boolean isClass(String target, String module) {
    return target.equals(module.endsWith("embed_tokens") ? "Embedding" : "Linear");
  }
}
