package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.model.IntegerScheme;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The {@code quantization_config} of compressed-tensors. The scheme of most modules is given by
 * their class, {@code Linear}; every other module is named, since readers differ in which pattern
 * they put first.
 */
final class QuantizationConfig {
  static final String KEY = "quantization_config";

  private QuantizationConfig() {}

  /**
   * @param schemes by module; null where it stays as it is
   * @param common the scheme of the class {@code Linear}
   * @param tiedHead whether there is a head without weights of its own
   */
  static ObjectNode of(Map<String, IntegerScheme> schemes, IntegerScheme common, boolean tiedHead) {
    List<String> ignored = new ArrayList<>(tiedHead ? List.of("lm_head") : List.of());
    Map<IntegerScheme, List<String>> targets = new LinkedHashMap<>();
    schemes.forEach(
        (module, scheme) -> {
          if (module.endsWith("embed_tokens")) {
            if (scheme != null) {
              targets.computeIfAbsent(scheme, key -> new ArrayList<>()).add("Embedding");
            }
          } else if (scheme == null) {
            ignored.add(module);
          } else if (!scheme.equals(common)) {
            targets.computeIfAbsent(scheme, key -> new ArrayList<>()).add(module);
          }
        });
    List<String> rest = targets.containsKey(common) ? targets.remove(common) : new ArrayList<>();
    rest.add("Linear");
    targets.put(common, rest); // last: readers that take the first match then agree
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    out.put("quant_method", "compressed-tensors");
    out.put("format", "pack-quantized");
    out.put("quantization_status", "compressed");
    ObjectNode groups = out.putObject("config_groups");
    targets.forEach(
        (scheme, names) -> put(groups.putObject("group_" + groups.size()), scheme, names));
    ArrayNode ignore = out.putArray("ignore");
    ignored.forEach(ignore::add);
    return out;
  }

  private static void put(ObjectNode group, IntegerScheme scheme, List<String> names) {
    ArrayNode targets = group.putArray("targets");
    names.forEach(targets::add);
    ObjectNode weights = group.putObject("weights");
    weights.put("num_bits", scheme.bits()).put("type", "int");
    weights.put("symmetric", true).put("dynamic", false);
    weights.put("strategy", scheme.group() == 0 ? "channel" : "group");
    if (scheme.group() > 0) {
      weights.put("group_size", scheme.group());
    }
  }
}
