package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The token ids in the {@code post_processor} of a {@code tokenizer.json}: those of a template's
 * {@code special_tokens}, and of {@code sep} and {@code cls}, which are pairs of text and id.
 */
final class PostProcessorIds {
  private PostProcessorIds() {}

  static void forEach(JsonNode processor, Consumer<JsonNode> action) {
    replaceAll(
        processor,
        id -> {
          action.accept(id);
          return id;
        });
  }

  static void replaceAll(JsonNode processor, UnaryOperator<JsonNode> change) {
    processor.path("processors").forEach(step -> replaceAll(step, change));
    for (JsonNode token : processor.path("special_tokens")) {
      if (token.path("ids") instanceof ArrayNode ids) {
        for (int i = 0; i < ids.size(); i++) {
          ids.set(i, change.apply(ids.get(i)));
        }
      }
    }
    for (String key : new String[] {"sep", "cls"}) {
      if (processor.path(key) instanceof ArrayNode pair && pair.size() == 2) {
        pair.set(1, change.apply(pair.get(1)));
      }
    }
  }
}
