package dev.gavel.relevance.model;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.prompt.PromptEncoder;
import java.util.ArrayList;
import java.util.List;

/** A model's own prompt about some products, short and long, as an engine may be told of. */
final class SamplePrompts {
  private record Pair(String query, Item item) {}

  private static final List<Pair> PAIRS =
      List.of(
          new Pair(
              "waterproof hiking boots",
              new Item(
                  "",
                  "",
                  "Men's waterproof leather hiking boot, mid height, brown, size 10",
                  "A breathable membrane keeps feet dry; the cushioned midsole and a rubber outsole"
                      + " with deep lugs grip wet rock and mud. The insole can be taken out.",
                  List.of(new Attribute("material", "leather"), new Attribute("color", "brown")))),
          new Pair(
              "desk lamp",
              new Item("", "", "LED ceiling light 24 W, round, warm white", "", List.of())),
          new Pair("usb c charger 65w", Item.ofText("USB-C cable 2 m, braided, 60 W")),
          new Pair(
              "kids rain jacket",
              new Item(
                  "",
                  "",
                  "Toddler Raincoat with Hood",
                  "Yellow coat for children of two to four years.",
                  List.of())));

  private SamplePrompts() {}

  /**
   * Tokens of each, up to the label; those that the model's limits leave no room for are left out.
   */
  static List<int[]> of(RelevanceModel model) {
    List<int[]> prompts = new ArrayList<>();
    for (Pair pair : PAIRS) {
      EncodedQuery encoded;
      try {
        encoded = model.encode(pair.query, List.of(pair.item));
      } catch (InvalidRequestException e) {
        continue; // a model of few positions
      }
      EncodedItem item = encoded.items().get(0);
      if (item.isOk()) {
        prompts.add(PromptEncoder.join(encoded.prefix(), item.suffix()));
      }
    }
    return prompts;
  }
}
