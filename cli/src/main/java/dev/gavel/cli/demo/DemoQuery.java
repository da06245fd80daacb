package dev.gavel.cli.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.cli.items.ItemParser;
import dev.gavel.v1.Item;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One bundled query with its products.
 *
 * @param kind what makes it hard
 */
record DemoQuery(String query, String kind, List<Item> items) {

  /** All bundled queries, in file order. */
  static List<DemoQuery> all() {
    JsonMapper mapper = new JsonMapper();
    List<DemoQuery> queries = new ArrayList<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                DemoQuery.class.getResourceAsStream("queries.jsonl"), StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        queries.add(of(mapper.readTree(line)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return queries;
  }

  private static DemoQuery of(JsonNode node) {
    ItemParser parser = new ItemParser();
    List<Item> items = new ArrayList<>();
    node.path("items").forEach(item -> items.add(parser.parse(item)));
    return new DemoQuery(node.path("query").asText(), node.path("kind").asText(), items);
  }
}
