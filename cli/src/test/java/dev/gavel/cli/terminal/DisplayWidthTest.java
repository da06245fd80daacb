package dev.gavel.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DisplayWidthTest {
  @Test
  void countsCells() {
    assertEquals(0, DisplayWidth.of(""));
    assertEquals(5, DisplayWidth.of("Größe"));
    assertEquals(8, DisplayWidth.of("无线鼠标"));
    assertEquals(2, DisplayWidth.of("👟"));
    assertEquals(6, DisplayWidth.of("한국어"));
    assertEquals(1, DisplayWidth.of("e\u0301"), "combining accent");
    assertEquals(2, DisplayWidth.of("，"), "fullwidth comma");
    assertEquals(0, DisplayWidth.of("\u001b\n\u00ad\u200b"), "control, soft hyphen, zero width");
    assertEquals(3, DisplayWidth.of("█▓░"));
  }

  @Test
  void cutsAtTheCellNotInTheMiddleOfACharacter() {
    assertEquals("abc", DisplayWidth.fit("abc", 3));
    assertEquals("ab…", DisplayWidth.fit("abcd", 3));
    assertEquals("无…", DisplayWidth.fit("无线鼠标", 4));
    assertEquals("…", DisplayWidth.fit("👟👟", 2));
    assertEquals("", DisplayWidth.fit("abc", 0));
  }

  @Test
  void neverExceedsTheCells() {
    long seed = 20250817L;
    SplittableRandom random = new SplittableRandom(seed);
    String alphabet = "aß无👟e\u0301，-한";
    int[] points = alphabet.codePoints().toArray();
    for (int run = 0; run < 1000; run++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(40); i > 0; i--) {
        text.appendCodePoint(points[random.nextInt(points.length)]);
      }
      int cells = random.nextInt(1, 30);
      String cut = DisplayWidth.fit(text.toString(), cells);
      assertTrue(DisplayWidth.of(cut) <= cells, () -> "seed " + seed + ": " + text);
    }
  }
}
