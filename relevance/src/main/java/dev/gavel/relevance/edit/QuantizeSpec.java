package dev.gavel.relevance.edit;

import dev.gavel.relevance.model.IntegerScheme;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * How matrices are to be stored.
 *
 * @param bits of the matrices of attention and feed-forward: 4 or 8
 * @param group neighbouring weights of a row that share a scale; 0: the whole row
 * @param embeddingBits of the embedding and an untied head: 4, 8, or 16 to leave them as they are
 * @param overrides bits (4, 8 or 16) by a pattern that is found in a module's name; the first that
 *     fits counts
 */
public record QuantizeSpec(
    int bits, int group, int embeddingBits, Map<Pattern, Integer> overrides) {
  private static final int GROUP_MAX = 1 << 20;

  public QuantizeSpec {
    overrides = new LinkedHashMap<>(overrides);
    if (bits != 4 && bits != 8) {
      throw new IllegalArgumentException("bits: expected 4 or 8, found " + bits);
    }
    if (group < 0 || group > GROUP_MAX) {
      throw new IllegalArgumentException(
          "group: expected 0 (whole rows) to " + GROUP_MAX + ", found " + group);
    }
    check("embedding bits", embeddingBits);
    overrides.forEach((pattern, value) -> check("override " + pattern, value));
  }

  private static void check(String what, int bits) {
    if (bits != 4 && bits != 8 && bits != 16) {
      throw new IllegalArgumentException(what + ": expected 4, 8 or 16, found " + bits);
    }
  }

  /**
   * Reads overrides such as {@code down_proj=8,layers\.0\.=16}.
   *
   * @throws IllegalArgumentException naming the part that is not as expected
   */
  public static Map<Pattern, Integer> parseOverrides(String text) {
    Map<Pattern, Integer> out = new LinkedHashMap<>();
    for (String part : text.isEmpty() ? new String[0] : text.split(",")) {
      int equals = part.lastIndexOf('=');
      if (equals < 1 || !part.substring(equals + 1).matches("\\d{1,3}")) {
        throw new IllegalArgumentException(
            "overrides: expected PATTERN=BITS, found '" + part + "'");
      }
      try {
        out.put(
            Pattern.compile(part.substring(0, equals)),
            Integer.parseInt(part.substring(equals + 1)));
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "overrides: expected a regular expression, found '" + part + "'", e);
      }
    }
    return out;
  }

  /** The scheme of a module that holds a matrix, or null to leave it as it is. */
  IntegerScheme scheme(String module) {
    if (module.endsWith(".mlp.gate")) {
      return null; // the router: small, and it decides
    }
    int chosen =
        overrides.entrySet().stream()
            .filter(entry -> entry.getKey().matcher(module).find())
            .findFirst()
            .map(Map.Entry::getValue)
            .orElse(isVocabulary(module) ? embeddingBits : bits);
    return chosen == 16 ? null : new IntegerScheme(chosen, group, true);
  }

  static boolean isVocabulary(String module) {
    return module.endsWith("embed_tokens") || module.endsWith("lm_head");
  }
}
