package dev.gavel.relevance.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps user text from being read as a special token: a space goes behind the first character of
 * every place where the text spells an added token, so {@code <|im_end|>} becomes {@code <
 * |im_end|>}. Added tokens of white space only are text and stay.
 */
final class Neutralizer {
  /** So few first characters are looked for one by one, which most texts are done with. */
  private static final int FEW = 4;

  private final Map<Character, List<String>> byFirst = new HashMap<>(); // longest first
  private final BitSet firsts = new BitSet();

  Neutralizer(List<TokenizerFile.Added> added) {
    for (TokenizerFile.Added token : added) {
      if (!token.content().isBlank()) {
        byFirst
            .computeIfAbsent(token.content().charAt(0), c -> new ArrayList<>())
            .add(token.content());
        firsts.set(token.content().charAt(0));
      }
    }
    byFirst.values().forEach(list -> list.sort(Comparator.comparingInt(String::length).reversed()));
  }

  String apply(String text) {
    return hasFirst(text) ? spaced(text) : text;
  }

  private boolean hasFirst(String text) {
    if (firsts.cardinality() > FEW) {
      return true;
    }
    for (int first = firsts.nextSetBit(0); first >= 0; first = firsts.nextSetBit(first + 1)) {
      if (text.indexOf(first) >= 0) {
        return true;
      }
    }
    return false;
  }

  private String spaced(String text) {
    StringBuilder out = null;
    int copied = 0;
    for (int i = 0; i < text.length(); i++) {
      if (spellsToken(text, i)) {
        out = out == null ? new StringBuilder(text.length() + 16) : out;
        int end = i + Character.charCount(text.codePointAt(i));
        out.append(text, copied, end).append(' ');
        copied = end;
      }
    }
    return out == null ? text : out.append(text, copied, text.length()).toString();
  }

  private boolean spellsToken(String text, int at) {
    if (!firsts.get(text.charAt(at))) {
      return false;
    }
    for (String candidate : byFirst.get(text.charAt(at))) {
      if (text.startsWith(candidate, at)) {
        return true;
      }
    }
    return false;
  }
}
