package dev.gavel.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.v1.Item;
import dev.gavel.v1.Limits;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BulkScoreTest {
  private static List<Item> items(int count, int bytes) {
    return IntStream.range(0, count)
        .mapToObj(i -> Item.newBuilder().setId("" + i).setText("x".repeat(bytes)).build())
        .toList();
  }

  private static List<Integer> sizes(List<Item> items, Limits.Builder limits) {
    List<List<Item>> parts = BulkScore.split(items, limits.build());
    assertEquals(items, parts.stream().flatMap(List::stream).toList(), "order is kept");
    return parts.stream().map(List::size).toList();
  }

  @Test
  void splitsByItems() {
    assertEquals(List.of(13, 13, 1), sizes(items(27, 5), Limits.newBuilder().setItems(13)));
    assertEquals(List.of(13), sizes(items(13, 5), Limits.newBuilder().setItems(13)));
    assertEquals(List.of(207), sizes(items(207, 5), Limits.newBuilder()), "no limit");
  }

  @Test
  void splitsByBytes() {
    Limits.Builder limits = Limits.newBuilder().setItems(100).setRequestBytes(164 << 10);
    assertEquals(List.of(2, 2, 1), sizes(items(5, 45_000), limits));
    assertEquals(List.of(1, 1), sizes(items(2, 1 << 20), limits), "the server refuses, not we");
  }
}
