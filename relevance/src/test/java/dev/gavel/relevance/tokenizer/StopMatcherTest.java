package dev.gavel.relevance.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;

class StopMatcherTest {
  @Provide
  Arbitrary<String> pieces() {
    return Arbitraries.strings().withChars('a', 'b', '\n').ofMinLength(0).ofMaxLength(4);
  }

  @Provide
  Arbitrary<String> stops() {
    return Arbitraries.strings().withChars('a', 'b', '\n').ofMinLength(1).ofMaxLength(5);
  }

  /** The text before the stop that ends first; of those, the longest. */
  private static String cut(String text, List<String> stops) {
    for (int end = 1; end <= text.length(); end++) {
      String head = text.substring(0, end);
      int longest = stops.stream().filter(head::endsWith).mapToInt(String::length).max().orElse(0);
      if (longest > 0) {
        return head.substring(0, end - longest);
      }
    }
    return null;
  }

  @Property
  void piecesAddUpToTheTextBeforeTheFirstStop(
      @ForAll @Size(max = 12) List<@net.jqwik.api.From("pieces") String> pieces,
      @ForAll @Size(max = 3) List<@net.jqwik.api.From("stops") String> stops) {
    StopMatcher matcher = new StopMatcher(stops);
    StringBuilder out = new StringBuilder();
    for (String piece : pieces) {
      out.append(matcher.add(piece));
    }
    String text = String.join("", pieces);
    String expected = cut(text, stops);
    assertEquals(expected != null, matcher.stopped());
    if (!matcher.stopped()) {
      out.append(matcher.finish());
    }
    assertEquals(expected == null ? text : expected, out.toString());
  }

  @Example
  void holdsBackOnlyWhatMayBecomeAStop() {
    StopMatcher matcher = new StopMatcher(List.of("END", "\n\n"));
    assertEquals("some t", matcher.add("some t"));
    assertEquals("", matcher.add("E"));
    assertEquals("Ex", matcher.add("x"));
    assertEquals("", matcher.add("\n"));
    assertFalse(matcher.stopped());
    assertEquals("", matcher.add("\nmore"));
    assertTrue(matcher.stopped());
    assertThrows(IllegalArgumentException.class, () -> new StopMatcher(List.of("a", "")));
  }
}
