package dev.gavel.training.data;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The Wayfair Annotation Dataset (Chen et al., ECIR 2022) as published: a folder with {@code
 * query.csv}, {@code product.csv} and {@code label.csv}, tab separated, with headers.
 *
 * <p>Attributes are the product's class, then its features, {@code name:value} joined by {@code |}
 * ; features without a name are left out.
 */
public final class WandsReader {
  private WandsReader() {}

  /** Reads a folder with the grades of {@link GradeMap#WANDS}. */
  public static List<Judgment> read(Path folder) {
    return read(folder, GradeMap.WANDS);
  }

  /**
   * Reads a folder; each file may end in {@code .gz}.
   *
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public static List<Judgment> read(Path folder, GradeMap grades) {
    Map<String, String> queries = queries(file(folder, "query.csv"));
    Map<String, Item> products = products(file(folder, "product.csv"));
    List<Judgment> out = new ArrayList<>();
    Path labels = file(folder, "label.csv");
    try (DelimitedReader reader =
        new DelimitedReader(labels, '\t', "id", "query_id", "product_id", "label")) {
      for (DelimitedReader.Row row = reader.next(); row != null; row = reader.next()) {
        String query = referenced(row, "query_id", queries, "query.csv");
        Item item = referenced(row, "product_id", products, "product.csv");
        try {
          out.add(Judgment.graded(row.required("id"), query, item, grades.grade(row.get("label"))));
        } catch (IllegalArgumentException e) {
          throw row.error(e.getMessage());
        }
      }
    }
    return out;
  }

  private static Path file(Path folder, String name) {
    Path packed = folder.resolve(name + ".gz");
    return Files.exists(packed) ? packed : folder.resolve(name);
  }

  private static <T> T referenced(
      DelimitedReader.Row row, String column, Map<String, T> known, String file) {
    T value = known.get(row.required(column));
    if (value == null) {
      throw row.error(column + ": expected one of " + file + ", found " + row.get(column));
    }
    return value;
  }

  private static Map<String, String> queries(Path file) {
    Map<String, String> out = new HashMap<>();
    try (DelimitedReader reader = new DelimitedReader(file, '\t', "query_id", "query")) {
      for (DelimitedReader.Row row = reader.next(); row != null; row = reader.next()) {
        out.put(row.required("query_id"), row.required("query"));
      }
    }
    return out;
  }

  private static Map<String, Item> products(Path file) {
    Map<String, Item> out = new HashMap<>();
    try (DelimitedReader reader = new DelimitedReader(file, '\t', "product_id", "product_name")) {
      for (DelimitedReader.Row row = reader.next(); row != null; row = reader.next()) {
        String id = row.required("product_id");
        List<Attribute> attributes = new ArrayList<>();
        if (!row.optional("product_class").isEmpty()) {
          attributes.add(new Attribute("class", row.get("product_class")));
        }
        addFeatures(row.optional("product_features"), attributes);
        out.put(
            id,
            new Item(
                id,
                "",
                row.required("product_name"),
                row.optional("product_description"),
                attributes));
      }
    }
    return out;
  }

  private static void addFeatures(String features, List<Attribute> out) {
    for (String feature : features.split("\\|")) {
      int colon = feature.indexOf(':');
      if (colon > 0) {
        String name = feature.substring(0, colon).strip();
        String value = feature.substring(colon + 1).strip();
        if (!name.isEmpty() && !value.isEmpty()) {
          out.add(new Attribute(name, value));
        }
      }
    }
  }
}
