package dev.gavel.relevance.prompt;

import dev.gavel.relevance.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * Where the text before an item is cut into the shared prefix and the item's suffix, so that both
 * tokenized separately give the tokens of the joined text.
 *
 * <p>Tokenizers like to join a space or a line break with what follows or precedes it, each in its
 * own way. So the place is found by trial: of the last {@link #REACH} characters before the item,
 * the latest place at which sample items of every kind tokenize alike.
 *
 * @param cut characters of the text before the item that belong to the prefix
 * @param stable whether all samples agreed; otherwise the trailing white space went to the suffix
 */
record Seam(int cut, boolean stable) {
  private static final int REACH = 24;

  /** What items may begin with. */
  private static final List<String> SAMPLES =
      List.of(
          "Apple phone 64GB",
          "red shoes",
          "3M tape",
          "24-inch rack",
          "\"Quoted\" mug",
          "(2 pack) soap",
          "#1 dad",
          "-10C bag",
          "\u00c9tui",
          "\u65e5\u672c",
          "\ud83d\udc5f shoe",
          "'s",
          "x");

  /**
   * Finds the cut.
   *
   * @param head what precedes {@code constant} in the prompt, with an ordinary query in its place
   * @param constant the constant text before the item, the only one that can be cut
   */
  static Seam find(Tokenizer tokenizer, String head, String constant) {
    int earliest = Math.max(0, constant.length() - REACH);
    for (int cut = constant.length(); cut >= earliest; cut--) {
      if (!(head + constant.substring(0, cut)).isEmpty()
          && isStable(tokenizer, head, constant, cut)) {
        return new Seam(cut, true);
      }
    }
    return new Seam(constant.stripTrailing().length(), false);
  }

  private static boolean isStable(Tokenizer tokenizer, String head, String constant, int cut) {
    if (cut < constant.length() && Character.isLowSurrogate(constant.charAt(cut))) {
      return false;
    }
    String prefix = head + constant.substring(0, cut);
    String lead = constant.substring(cut);
    int[] prefixIds = tokenizer.encode(prefix);
    return SAMPLES.stream()
        .allMatch(
            item -> {
              int[] joined = tokenizer.encode(prefix + lead + item);
              return Arrays.equals(joined, Tokens.join(prefixIds, tokenizer.encode(lead + item)));
            });
  }
}
