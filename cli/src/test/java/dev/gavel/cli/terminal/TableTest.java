package dev.gavel.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.cli.TestTerminal;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void alignsWideCharacters() {
    Table table = new Table(0, "product", "tier");
    table.row(Cell.of("无线鼠标"), Cell.of("GOOD"));
    table.row(Cell.of("mouse"), Cell.of("BAD"));
    assertEquals(
        List.of("product   tier", "无线鼠标  GOOD", "mouse     BAD"),
        table.lines(new TestTerminal(80).terminal()));
  }

  @Test
  void theFlexibleColumnGivesWay() {
    Table table = new Table(0, "product", "tier").indent(2);
    table.row(Cell.of("x".repeat(200)), Cell.of("GOOD"));
    List<String> lines = table.lines(new TestTerminal(40).terminal());
    assertEquals(40, DisplayWidth.of(lines.get(1)));
    assertTrue(lines.get(1).endsWith("…  GOOD"), lines.get(1));
  }

  @Test
  void colourOnlyWhereItIsAskedFor() {
    Cell cell = Cell.of("GOOD", Style.GREEN);
    assertEquals("GOOD", cell.render(new TestTerminal(80).terminal()));
    assertEquals("\u001b[32mGOOD\u001b[0m", cell.render(new TestTerminal(80, true).terminal()));
  }

  @Test
  void controlCharactersDoNotReachTheTerminal() {
    String shown = Cell.of("a\u001b[2Jb\rc\nd").render(new TestTerminal(80).terminal());
    assertFalse(shown.chars().anyMatch(c -> c < 0x20), shown);
  }

  @Test
  void refusesARowOfAnotherLength() {
    Table table = new Table(0, "a", "b");
    assertThrows(IllegalArgumentException.class, () -> table.row(Cell.of("1")));
  }

  @Test
  void barsFillTheirCells() {
    assertArrayEquals(
        new int[] {10, 5, 3, 2}, GradeBar.widths(new double[] {.5, .25, .15, .1}, 20));
    assertArrayEquals(new int[] {0, 0, 0, 13}, GradeBar.widths(new double[] {0, 0, 0, 1}, 13));
    double third = 1.0 / 3;
    int[] widths = GradeBar.widths(new double[] {third, third, third}, 20);
    assertEquals(20, IntStream.of(widths).sum());
    String bar =
        GradeBar.of(new double[] {.5, .25, .15, .1}, 20).render(new TestTerminal(80).terminal());
    assertEquals("█".repeat(10) + "▓".repeat(5) + "▒".repeat(3) + "░".repeat(2), bar);
  }
}
