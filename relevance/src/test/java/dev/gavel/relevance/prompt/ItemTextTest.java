package dev.gavel.relevance.prompt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ItemTextTest {
  private static final String CHARACTERS =
      "ab \t\n\u00a0\u0085\u007f\u2028\u3000\u00e9\u65e5\u001f";

  /** The same by the classes of Unicode: separators and control characters. */
  private static String plain(String text) {
    return text.replaceAll("[\\p{Z}\\p{Cc}]+", " ").replaceAll("^ | $", "");
  }

  @Test
  void joinsLinesLikeARegularExpression() {
    long seed = System.nanoTime();
    System.out.println("ItemTextTest seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder();
      int length = random.nextInt(9);
      for (int i = 0; i < length; i++) {
        text.append(CHARACTERS.charAt(random.nextInt(CHARACTERS.length())));
      }
      assertEquals(plain(text.toString()), ItemText.oneLine(text.toString()));
    }
  }

  @Test
  void cleanTextIsNotCopied() {
    String text = "running shoes, size 42";
    assertSame(text, ItemText.oneLine(text));
  }

  @Test
  void fillsEveryPlaceOnce() {
    Layout layout = new Layout("{b}: {a}, {a}; {c}", "{a}", "{b}");
    assertEquals("{a}: 1, 1; {c}", filled(layout, "1", "{a}"));
    assertEquals("plain", filled(new Layout("plain", "{a}"), "1"));
    assertEquals("", filled(new Layout("", "{a}"), "1"));
    assertEquals("1{", filled(new Layout("{a}{", "{a}"), "1"));
  }

  private static String filled(Layout layout, String... values) {
    StringBuilder out = new StringBuilder("so: ");
    layout.fill(out, values);
    return out.substring("so: ".length());
  }
}
