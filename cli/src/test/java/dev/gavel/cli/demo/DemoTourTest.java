package dev.gavel.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DemoTourTest {
  @Test
  void theBundledQueriesAreADozenAndOfEveryHardKind() {
    List<DemoQuery> queries = DemoQuery.all();
    assertEquals(12, queries.size());
    Set<String> kinds = new HashSet<>();
    for (DemoQuery query : queries) {
      kinds.add(query.kind());
      assertFalse(query.query().isBlank());
      assertTrue(query.items().size() >= 4 && query.items().size() <= 6, query.query());
      query.items().forEach(item -> assertFalse(item.getTitle().isBlank()));
    }
    assertTrue(
        kinds.containsAll(
            List.of(
                "negation",
                "affordable alternative",
                "question",
                "knowledge",
                "size",
                "accessory")));
  }
}
