package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CoreListTest {
  @Test
  void numbersAndRanges() {
    assertEquals(List.of(), CoreList.parse(" "));
    assertEquals(List.of(7), CoreList.parse("7"));
    assertEquals(List.of(0, 1, 2, 3, 6), CoreList.parse("0-3, 6"));
    assertEquals(List.of(5, 0), CoreList.parse("5,0-0"));
  }

  @ParameterizedTest
  @ValueSource(strings = {",", "1,", "a", "-1", "3-1", "1-2-3", "0x1", "12345"})
  void whatIsNoList(String text) {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> CoreList.parse(text));
    assertTrue(error.getMessage().endsWith("found \"" + text + "\""), error.getMessage());
  }
}
