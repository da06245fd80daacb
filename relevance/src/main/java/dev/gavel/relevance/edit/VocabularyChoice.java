package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Chooses the tokens that stay. First those that a model cannot do without: single bytes, special
 * tokens in use, the tokens of the prompt, the cues and the labels. Then the corpus's tokens, most
 * frequent first, each with the tokens from which it is merged, as long as all fit.
 */
final class VocabularyChoice {
  private final BytePairFile file;
  private final BitSet kept = new BitSet();

  VocabularyChoice(BytePairFile file) {
    this.file = file;
    require(file.basics());
  }

  /** Keeps tokens whatever their frequency. */
  void require(BitSet ids) {
    ids.stream().forEach(id -> kept.or(file.path(id)));
  }

  void require(int[] ids) {
    Arrays.stream(ids).forEach(id -> kept.or(file.path(id)));
  }

  /** Keeps what the directory's own prompt is made of. */
  void requirePrompt(Path directory) {
    Item item = new Item("", "", "product", "", List.of(new Attribute("brand", "name")));
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      require(model.encode("query", List.of(item)).prefix());
      for (EncodedItem encoded : model.encode("query", List.of(item)).items()) {
        require(encoded.suffix());
      }
      model.labelTokens().forEach(forms -> forms.forEach(this::require));
      for (Order order : Order.values()) {
        ExplainPlan plan = model.explain("query", item, order, List.of());
        require(plan.prompt());
        plan.afterLabel().forEach(this::require);
        require(plan.verdictCue());
      }
    }
  }

  /** Keeps the texts of a manifest, the parts between placeholders each by itself. */
  void requireTexts(JsonNode manifest, Tokenizer tokenizer) {
    if (manifest.isTextual()) {
      for (String part : manifest.asText().split("\\{\\w+}")) {
        require(tokenizer.encode(part));
        require(tokenizer.encode(" " + part));
      }
    }
    manifest.forEach(element -> requireTexts(element, tokenizer));
  }

  int required() {
    return kept.cardinality();
  }

  /** Fills up to {@code tokensMax} tokens. A token that does not fit with its path is left out. */
  TokenMap choose(TokenCounts counts, int tokensMax) {
    for (int id : counts.byFrequency()) {
      if (kept.cardinality() == tokensMax) {
        break;
      }
      BitSet path = file.path(id);
      path.or(kept);
      if (path.cardinality() <= tokensMax) {
        kept.or(path);
      }
    }
    return new TokenMap(kept);
  }
}
