package dev.gavel.training.data;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The Shopping Queries Dataset (Reddy et al., arXiv 2206.06588): examples and products, joined by
 * product and locale. It is published as Parquet; export both files once, with their columns as
 * they are, to CSV or JSON Lines (plain or {@code .gz}):
 *
 * <pre>{@code
 * python -c "import pandas as p; \
 *   [p.read_parquet(f'shopping_queries_dataset_{n}.parquet') \
 *     .to_json(f'{n}.jsonl.gz', orient='records', lines=True) for n in ('examples', 'products')]"
 * }</pre>
 *
 * <p>Columns read: {@code example_id, query, product_id, product_locale, esci_label, small_version,
 * split} and {@code product_id, product_locale, product_title, product_description,
 * product_bullet_point, product_brand, product_color}. Bullet points follow the description.
 */
public final class EsciReader {
  /**
   * Which examples to read.
   *
   * @param locale {@code us}, {@code es} or {@code jp}; empty for all
   * @param split {@code train} or {@code test}; empty for both
   * @param small only the examples of the reduced version
   */
  public record Selection(String locale, String split, boolean small) {
    /** Everything. */
    public static final Selection ALL = new Selection("", "", false);
  }

  private record Key(String product, String locale) {}

  private record Example(Judgment judgment, Key key, long line) {}

  private EsciReader() {}

  /**
   * Reads the selected examples that have a product with a title.
   *
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public static List<Judgment> read(
      Path examples, Path products, Selection selection, GradeMap grades) {
    Map<String, Example> selected = new LinkedHashMap<>();
    Set<Key> wanted = new HashSet<>();
    table(examples, List.of("example_id", "query", "product_id", "product_locale", "esci_label"))
        .forEach(
            row -> {
              if (isSelected(row, selection)) {
                Example example = example(row, grades);
                if (selected.put(example.judgment().id(), example) != null) {
                  throw row.error("example_id: expected once, found " + row.get("example_id"));
                }
                wanted.add(example.key());
              }
            });
    Map<Key, Item> items = items(products, wanted);
    List<Judgment> out = new ArrayList<>();
    for (Example example : selected.values()) {
      Item item = items.get(example.key());
      if (item == null) {
        throw new DataFormatException(
            examples,
            example.line(),
            "product_id: expected one of " + products + ", found " + example.key());
      }
      Judgment judgment = example.judgment();
      if (!item.title().isBlank()) {
        int grade = judgment.grade().getAsInt();
        out.add(Judgment.graded(judgment.id(), judgment.query(), item, grade));
      }
    }
    return out;
  }

  private static boolean isSelected(Row row, Selection selection) {
    return (selection.locale().isEmpty() || selection.locale().equals(row.get("product_locale")))
        && (selection.split().isEmpty() || selection.split().equals(row.get("split")))
        && (!selection.small() || row.get("small_version").equals("1"));
  }

  private static Example example(Row row, GradeMap grades) {
    Key key = new Key(row.required("product_id"), row.required("product_locale"));
    int grade;
    try {
      grade = grades.grade(row.get("esci_label"));
    } catch (IllegalArgumentException e) {
      throw row.error("esci_" + e.getMessage());
    }
    Item unknown = new Item(key.product(), "", "", "", List.of());
    return new Example(
        Judgment.graded(row.required("example_id"), row.required("query"), unknown, grade),
        key,
        row.line());
  }

  private static Map<Key, Item> items(Path products, Set<Key> wanted) {
    Map<Key, Item> items = new HashMap<>();
    table(products, List.of("product_id", "product_locale", "product_title"))
        .forEach(
            row -> {
              Key key = new Key(row.required("product_id"), row.required("product_locale"));
              if (wanted.contains(key)) {
                items.put(key, item(row, key));
              }
            });
    return items;
  }

  private static Item item(Row row, Key key) {
    List<Attribute> attributes = new ArrayList<>();
    for (String name : List.of("brand", "color")) {
      String value = row.get("product_" + name);
      if (!value.isEmpty()) {
        attributes.add(new Attribute(name, value));
      }
    }
    String description =
        (row.get("product_description") + "\n" + row.get("product_bullet_point")).strip();
    return new Item(key.product(), "", row.get("product_title"), description, attributes);
  }

  /** A row of either form; absent fields are empty. */
  private record Row(
      Function<String, String> fields, long line, Function<String, DataFormatException> errors) {
    String get(String column) {
      return fields.apply(column);
    }

    String required(String column) {
      String value = get(column);
      if (value.isBlank()) {
        throw error(column + ": expected a text, found nothing");
      }
      return value;
    }

    DataFormatException error(String message) {
      return errors.apply(message);
    }
  }

  private interface Table {
    void forEach(Consumer<Row> action);
  }

  private static Table table(Path file, List<String> columns) {
    String name = file.getFileName().toString().replaceFirst("\\.gz$", "");
    if (name.endsWith(".jsonl") || name.endsWith(".json")) {
      return action -> readJson(file, action);
    }
    if (name.endsWith(".csv")) {
      return action -> readCsv(file, columns, action);
    }
    throw new DataFormatException(
        file, 0, "expected .jsonl or .csv (or .gz of them), found another name; export Parquet");
  }

  private static void readJson(Path file, Consumer<Row> action) {
    try (LineReader lines = new LineReader(file)) {
      for (JsonLine line = JsonLine.next(lines); line != null; line = JsonLine.next(lines)) {
        action.accept(new Row(line::identifier, lines.line(), lines::error));
      }
    }
  }

  private static void readCsv(Path file, List<String> columns, Consumer<Row> action) {
    try (DelimitedReader reader = new DelimitedReader(file, ',', columns.toArray(String[]::new))) {
      for (DelimitedReader.Row row = reader.next(); row != null; row = reader.next()) {
        action.accept(new Row(row::optional, row.line(), row::error));
      }
    }
  }
}
