package dev.gavel.cli.bench.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestMakerTest {
  private static SplittableRandom random() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    return new SplittableRandom(seed);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 207, 4097})
  void textsHaveTheirLengthAndNoBlanksAround(int chars) {
    SplittableRandom random = random();
    for (int i = 0; i < 50; i++) {
      String text = ProductText.of(chars, random);
      assertEquals(chars, text.length());
      assertEquals(text, text.strip());
    }
  }

  @Test
  void freshItemsAndQueriesAreNew() {
    RequestMaker maker =
        new RequestMaker(new RequestShape(8, 13, 64, 0, 0), new TextLengths(40, 200), random());
    Set<String> texts = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      ScoreRequest request = maker.next();
      assertEquals(13, request.getItemsCount());
      assertTrue(texts.add(request.getQuery()));
      request.getItemsList().forEach(item -> assertTrue(texts.add(item.getText())));
    }
  }

  @Test
  void hotOnesComeAgainAndAreDifferentWithinARequest() {
    RequestMaker maker =
        new RequestMaker(new RequestShape(8, 13, 64, 3, 20), new TextLengths(40, 200), random());
    Set<String> queries = new HashSet<>();
    Set<Item> items = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      ScoreRequest request = maker.next();
      queries.add(request.getQuery());
      items.addAll(request.getItemsList());
      assertEquals(13, new HashSet<>(request.getItemsList()).size());
    }
    assertEquals(3, queries.size());
    assertEquals(20, items.size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 1 | 1 | 0 | --query-tokens: expected at least 1, found 0",
        "1 | 0 | 1 | 0 | --items: expected at least 1, found 0",
        "1 | 1 | 0 | 0 | --item-tokens: expected at least 1, found 0",
        "1 | 4 | 1 | 3 | --hot-items: expected 0, or at least the 4 of a request, found 3",
      })
  void mistakesAreNamed(int query, int items, int itemTokens, int hot, String message) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new RequestShape(query, items, itemTokens, 0, hot));
    assertEquals(message, e.getMessage());
  }

  /** Gaps of any kind are 1 in the mean; the tolerance is five standard errors. */
  @Test
  void arrivalsKeepTheRate() {
    SplittableRandom random = random();
    for (Arrivals arrivals : Arrivals.values()) {
      int gaps = 100_000;
      double sum = 0;
      for (int i = 0; i < gaps; i++) {
        sum += arrivals.gap(random);
      }
      assertEquals(1, sum / gaps, 5 / Math.sqrt(gaps));
    }
  }
}
