package dev.gavel.relevance.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.json.JsonObject;
import java.util.Set;
import java.util.TreeSet;

/** The tokens that end generated text. */
public final class EndTokens {
  private EndTokens() {}

  /**
   * Collects {@code eos_token_id} (a number or a list) and {@code eos_token} (a text, or an object
   * with its content) of the given files.
   *
   * @param files {@code generation_config.json}, {@code config.json}, {@code tokenizer_config.json}
   */
  public static Set<Integer> of(Tokenizer tokenizer, Iterable<JsonObject> files) {
    Set<Integer> out = new TreeSet<>();
    for (JsonObject file : files) {
      JsonNode ids = file.raw("eos_token_id");
      if (ids != null && ids.isArray()) {
        ids.forEach(id -> out.add(checked(file, id)));
      } else if (ids != null) {
        out.add(checked(file, ids));
      }
      JsonNode token = file.raw("eos_token");
      if (token != null) {
        String content = token.isObject() ? token.path("content").asText() : token.asText();
        tokenizer.added(content).ifPresent(out::add);
      }
    }
    return out;
  }

  private static int checked(JsonObject file, JsonNode id) {
    if (!id.isInt() || id.asInt() < 0) {
      throw file.wrong("eos_token_id", "a token id or a list of them", id);
    }
    return id.asInt();
  }
}
