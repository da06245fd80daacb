package dev.gavel.relevance.model;

import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.Tier;
import dev.gavel.relevance.prompt.ChatTemplate;
import dev.gavel.relevance.prompt.PromptSpec;
import java.util.List;
import java.util.Map;

/**
 * The manifest of directories without one, and of keys that a manifest leaves out: a zero-shot
 * question that instruct checkpoints answer with one of four words.
 */
final class DefaultManifest {
  static final double TIER_THRESHOLD = 0.5;
  static final DecodingDefaults DECODING = new DecodingDefaults(0.7f, 0, 0.95f);

  private static final List<Label> LABELS =
      List.of(
          new Label("4-Excellent", 4, List.of("Yes"), Tier.GOOD),
          new Label("3-Related", 3, List.of("Mostly"), Tier.GOOD),
          new Label("2-Mismatch", 2, List.of("Partly"), Tier.MID),
          new Label("1-Irrelevant", 1, List.of("No"), Tier.BAD));

  private DefaultManifest() {}

  /**
   * The defaults for a model with the given template. A template that knows thinking opens and
   * closes it by its own marks.
   */
  static Manifest of(ChatTemplate template) {
    return new Manifest(
        null,
        null,
        template.knowsThinking() ? thinkingPrompt() : plainPrompt(),
        LABELS,
        TIER_THRESHOLD,
        Limits.DEFAULT,
        DECODING,
        Order.LABEL_FIRST,
        Map.of(),
        List.of());
  }

  private static PromptSpec plainPrompt() {
    return prompt(
        "\nExplain in a few sentences first, then answer on a line of its own.",
        "",
        "\nAnswer:\n",
        "\nAnswer:");
  }

  private static PromptSpec thinkingPrompt() {
    return prompt("", "<think>\n", "\n</think>\n\n", "</think>");
  }

  private static PromptSpec prompt(
      String thinkInstruction, String thinkCue, String verdictCue, String stop) {
    return new PromptSpec(
        true,
        "You judge how well a product fits a shopper's search query.",
        "Query: {query}\nProduct: {item}\n\n"
            + "Does the product match the query? Answer: Yes, Mostly, Partly or No.",
        "\n{name}: {value}",
        "\n{description}",
        "",
        ", because",
        thinkInstruction,
        thinkCue,
        verdictCue,
        List.of(stop));
  }
}
