package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.training.stage.StageConfig.Default;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StageConfigTest {
  enum Color {
    DARK_RED,
    BLUE
  }

  record Inner(@Default("3") int depth, @Default("null") Double ratio) {
    Inner {
      if (depth < 0) {
        throw new IllegalArgumentException("depth: expected 0 or more, found " + depth);
      }
    }
  }

  record Sample(
      Path file,
      @Default("1e-4") double rate,
      @Default("false") boolean on,
      @Default("dark-red") Color color,
      @Default("[]") List<Inner> many,
      @Default("null") Inner one,
      @Default("{}") Inner whole,
      @Default("7") long seed,
      @Default("a") String text) {}

  private static final Inner STANDARD = new Inner(3, null);

  private static Sample parse(String text, Map<String, String> overrides) {
    return StageConfig.parse(text, overrides, Sample.class);
  }

  @Test
  void whatIsNotGivenHasItsDefault() {
    assertEquals(
        new Sample(Path.of("x/y"), 1e-4, false, Color.DARK_RED, List.of(), null, STANDARD, 7, "a"),
        parse("file: x/y", Map.of()));
  }

  @Test
  void everyKindIsRead() {
    String text =
        """
        # a comment
        file: z
        rate: 5e-05
        on: true
        color: Blue
        many: [{depth: 1}, {ratio: 2}]
        one: {depth: 4, ratio: .5}
        seed: 9000000000
        text: 12
        """;
    assertEquals(
        new Sample(
            Path.of("z"),
            5e-5,
            true,
            Color.BLUE,
            List.of(new Inner(1, null), new Inner(3, 2.0)),
            new Inner(4, .5),
            STANDARD,
            9_000_000_000L,
            "12"),
        parse(text, Map.of()));
  }

  @Test
  void overridesWinAndReachInside() {
    Sample sample =
        parse(
            "{file: z, many: [{}, {depth: 1}], one: {depth: 2}}",
            Map.of("many.1.depth", "5", "one", "null", "whole.ratio", "1e-3", "file", "w"));
    assertEquals(Path.of("w"), sample.file());
    assertEquals(List.of(STANDARD, new Inner(5, null)), sample.many());
    assertEquals(null, sample.one());
    assertEquals(new Inner(3, 1e-3), sample.whole());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "rate: 1|file: expected a path, found nothing",
        "{file: a, rate: fast}|rate: expected a number, found \"fast\"",
        "{file: a, on: 1}|on: expected true or false, found 1",
        "{file: a, seed: 1.5}|seed: expected a whole number, found 1.5",
        "{file: a, color: green}|color: expected one of dark-red, blue, found \"green\"",
        "{file: a, many: 3}|many: expected a list, found 3",
        "{file: a, many: [{}, {depht: 1}]}|many[1].depht: expected one of [depth, ratio], found an"
            + " unknown key",
        "{file: a, one: {depth: -1}}|one: depth: expected 0 or more, found -1",
        "{file: a, one: 2}|one: expected keys and values, found 2",
        "[1]|expected keys and values, found [1]"
      })
  void errorsNameTheKey(String text, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> parse(text, Map.of())).getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "many.1.depth|many.1.depth: expected a place from 0 to 0, found 1",
        "many.x|many.x: expected a place from 0 to 0, found x",
        "file.name|file.name: expected an object or a list at file, found \"a\"",
        "other|other: expected one of [file, rate, on, color, many, one, whole, seed, text], found"
            + " an unknown key"
      })
  void wrongOverridesNameTheirKey(String key, String message) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class,
                () -> parse("{file: a, many: [{}]}", Map.of(key, "1")))
            .getMessage());
  }

  @Test
  void filesAreNamed(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("c.yaml");
    assertEquals(
        file + ": expected a file, found nothing",
        assertThrows(
                IllegalArgumentException.class,
                () -> StageConfig.read(file, Map.of(), Sample.class))
            .getMessage());
    for (String broken : List.of("file: [", "file: a\nfile: b\n")) {
      Files.writeString(file, broken);
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> StageConfig.read(file, Map.of(), Sample.class))
              .getMessage();
      assertTrue(message.startsWith(file + ": expected YAML or JSON, found: "), message);
    }
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    Sample sample = parse("{file: z, many: [{ratio: 1e-9}], color: blue}", Map.of());
    String text = new JsonMapper().writeValueAsString(StageConfig.toJson(sample));
    assertEquals(sample, parse(text, Map.of()));
  }

  @Test
  void keysHaveTheirDefaults() {
    Map<String, String> keys = StageConfig.keys(Sample.class);
    assertEquals("", keys.get("file"));
    assertEquals("1e-4", keys.get("rate"));
    assertEquals("3", keys.get("many[].depth"));
    assertEquals("null", keys.get("one.ratio"));
    assertEquals("{}", keys.get("whole"));
  }
}
