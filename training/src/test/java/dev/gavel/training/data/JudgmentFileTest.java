package dev.gavel.training.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JudgmentFileTest {
  @TempDir Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void readsEveryField() throws IOException {
    Path file =
        file(
            "pairs.jsonl",
            """
            \uFEFF{"id": 7, "query": "red mug", "title": "Mug", "description": "0.3 l", "rater_std": 0.5,
             "attributes": {"color": ["red", "white"], "litres": 0.3, "none": null}, "grade": 4.0,
             "rationale": "It is one."}
            """
                .replace("\n ", " "));
    assertEquals(
        List.of(
            new Judgment(
                "7",
                "red mug",
                new Item(
                    "",
                    "",
                    "Mug",
                    "0.3 l",
                    List.of(
                        new Attribute("color", "red"),
                        new Attribute("color", "white"),
                        new Attribute("litres", "0.3"))),
                OptionalInt.of(4),
                OptionalDouble.empty(),
                "It is one.")),
        JudgmentFile.read(file));
  }

  @Test
  void idDefaultsToTheLineAndBlankLinesCount() throws IOException {
    Path file =
        file(
            "pairs.jsonl",
            "\n{\"query\":\"a\",\"title\":\"b\",\"relevance\":2.33,\"description\":null}\n\n");
    Judgment only = JudgmentFile.read(file).get(0);
    assertEquals("2", only.id());
    assertEquals(OptionalDouble.of(2.33), only.relevance());
    assertEquals(OptionalInt.empty(), only.grade());
    assertEquals("", only.item().description());
  }

  @ParameterizedTest
  @ValueSource(strings = {"pairs.jsonl", "pairs.jsonl.gz"})
  void whatIsWrittenIsReadBack(String name) throws IOException {
    Item item =
        new Item(
            "p 1", "", "Vase “Mo\u0301lk”\t\u2028", "a\nb", List.of(new Attribute("für", "x=y")));
    List<Judgment> written =
        List.of(
            Judgment.graded("a", "vase, blue", item, 3).withRationale("because"),
            new Judgment("b", "q", item, OptionalInt.empty(), OptionalDouble.of(1 / 3.0), ""),
            new Judgment("c", "q", item, OptionalInt.of(4), OptionalDouble.empty(), "why")
                .withDistribution(List.of(2 / 3.0, 1 / 3.0, 0.0, 0.0)));
    try (JudgmentWriter writer = new JudgmentWriter(folder.resolve(name))) {
      for (Judgment judgment : written) {
        writer.write(judgment);
      }
    }
    assertEquals(written, JudgmentFile.read(folder.resolve(name)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"title\":\"b\",\"grade\":1}|query: expected a text, found nothing",
        "{\"query\":\" \",\"title\":\"b\",\"grade\":1}|query: expected a text, found a blank one",
        "{\"query\":5,\"title\":\"b\",\"grade\":1}|query: expected a text, found 5",
        "{\"query\":\"a\",\"title\":\"b\"}|grade: expected a whole number, or a number as"
            + " relevance, or a distribution, found none of them",
        "{\"query\":\"a\",\"title\":\"b\",\"distribution\":[0.5,0.4]}|distribution: expected at least 2"
            + " probabilities that sum to 1, found [0.5, 0.4]",
        "{\"query\":\"a\",\"title\":\"b\",\"distribution\":[1.5,-0.5]}|distribution: expected at least"
            + " 2 probabilities that sum to 1, found [1.5, -0.5]",
        "{\"query\":\"a\",\"title\":\"b\",\"distribution\":0.5}|distribution: expected a list of"
            + " numbers, found 0.5",
        "{\"query\":\"a\",\"title\":\"b\",\"grade\":2.5}|grade: expected a whole number from -1000"
            + " to 1000, found 2.5",
        "{\"query\":\"a\",\"title\":\"b\",\"grade\":\"4\"}|grade: expected a number, found the text"
            + " \"4\"",
        "{\"query\":\"a\",\"title\":\"b\",\"grade\":1,\"attributes\":3}|attributes: expected an"
            + " object or an array, found 3",
        "{\"query\":\"a\",\"query\":\"b\"}|expected a JSON object, found Duplicate field 'query'",
        "[]|expected a JSON object, found an array"
      })
  void errorsNameTheLine(String line, String message) throws IOException {
    Path file = file("bad.jsonl", "{\"query\":\"a\",\"title\":\"b\",\"grade\":1}\n" + line + "\n");
    DataFormatException error =
        assertThrows(DataFormatException.class, () -> JudgmentFile.read(file));
    assertEquals(file + " line 2: " + message, error.getMessage());
  }

  @Test
  void otherBytesAreNamed() throws IOException {
    Path file = folder.resolve("bad.jsonl");
    String lines = "{\"query\":\"a\",\"title\":\"b\",\"grade\":1}\n\n{\"query\":\"caf\u00e9\"}";
    Files.write(file, lines.getBytes(StandardCharsets.ISO_8859_1));
    assertEquals(
        file + " line 3: expected UTF-8 text, found other bytes",
        assertThrows(DataFormatException.class, () -> JudgmentFile.read(file)).getMessage());
    Path absent = folder.resolve("absent.jsonl");
    DataFormatException error =
        assertThrows(DataFormatException.class, () -> JudgmentFile.read(absent));
    assertEquals(absent + ": expected a file, found nothing there", error.getMessage());
  }

  @Test
  void readsTheSharedJudgments() {
    String home = System.getProperty("gavel.data.dir", "");
    Path file = Path.of(home, "crowdflower-dev.jsonl.gz");
    assumeTrue(!home.isEmpty() && Files.exists(file), "no data under gavel.data.dir");
    List<Judgment> dev = JudgmentFile.read(file);
    assertEquals(52, dev.stream().map(Judgment::query).distinct().count());
  }
}
