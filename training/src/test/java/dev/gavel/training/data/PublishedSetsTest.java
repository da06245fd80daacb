package dev.gavel.training.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import dev.gavel.training.data.EsciReader.Selection;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublishedSetsTest {
  @TempDir Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(PublishedSetsTest.class.getResource("/data/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void wands() {
    List<Judgment> pairs = WandsReader.read(resource("wands"));
    assertEquals(List.of(4, 3, 1, 4), grades(pairs));
    assertEquals(
        Judgment.graded(
            "0",
            "brass table lamp",
            new Item(
                "11",
                "",
                "lamp, \"old harbour\" brass",
                "a brass lamp",
                List.of(
                    new Attribute("class", "Table Lamps"),
                    new Attribute("color", "brass"),
                    new Attribute("height", "19.5"))),
            4),
        pairs.get(0));
    assertEquals("first line\nsecond line", pairs.get(1).item().description());
  }

  @Test
  void wandsNamesWhatIsWrong() throws IOException {
    try (Stream<Path> files = Files.list(resource("wands"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    Path labels = folder.resolve("label.csv");
    String header = "id\tquery_id\tproduct_id\tlabel\n";
    assertWandsError(labels, header + "0\t3\t99\tExact\n", 2, "product_id: expected one of");
    assertWandsError(
        labels,
        header + "0\t3\t11\tSuperb\n",
        2,
        "label: expected one of [Exact, Irrelevant, Partial], found Superb");
    assertWandsError(labels, header + "\n0\t3\t11\n", 3, "expected 4 fields, found 3");
    assertWandsError(labels, "id,query_id\n", 1, "expected a column id, found [id,query_id]");
    assertWandsError(labels, header + "\"0\t3\n", 2, "expected a closing quote, found the end");
  }

  private void assertWandsError(Path labels, String text, int line, String message)
      throws IOException {
    Files.writeString(labels, text);
    String found =
        assertThrows(DataFormatException.class, () -> WandsReader.read(folder)).getMessage();
    String expected = labels + " line " + line + ": " + message;
    assertEquals(expected, found.substring(0, Math.min(expected.length(), found.length())));
  }

  @Test
  void esci() {
    Path examples = resource("esci/examples.csv");
    Path products = resource("esci/products.jsonl");
    List<Judgment> all = EsciReader.read(examples, products, Selection.ALL, GradeMap.ESCI);
    assertEquals(List.of(4, 3, 2, 1), grades(all));
    assertEquals("cable 2 m, usb", all.get(0).query());
    assertEquals(
        new Item(
            "P1",
            "",
            "USB cable, two metres",
            "fast\nblack",
            List.of(new Attribute("brand", "Brook"), new Attribute("color", "black"))),
        all.get(0).item());
    assertEquals("Cable USB de dos metros", all.get(3).item().title());

    Selection small = new Selection("us", "train", true);
    assertEquals(
        List.of("1"),
        EsciReader.read(examples, products, small, GradeMap.ESCI).stream()
            .map(Judgment::id)
            .toList());
  }

  @Test
  void esciNamesParquet() {
    Path parquet = Path.of("shopping_queries_dataset_examples.parquet");
    DataFormatException error =
        assertThrows(
            DataFormatException.class,
            () -> EsciReader.read(parquet, parquet, Selection.ALL, GradeMap.ESCI));
    assertEquals(
        parquet + ": expected .jsonl or .csv (or .gz of them), found another name; export Parquet",
        error.getMessage());
  }

  private static List<Integer> grades(List<Judgment> pairs) {
    return pairs.stream().map(pair -> pair.grade().getAsInt()).toList();
  }
}
