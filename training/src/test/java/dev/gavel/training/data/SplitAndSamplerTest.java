package dev.gavel.training.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Item;
import dev.gavel.training.data.ClassBalancedSampler.Size;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SplitAndSamplerTest {
  private static final long SEED = 20_260_207;

  private static List<Judgment> pairs(int queries, int perQuery) {
    List<Judgment> out = new ArrayList<>();
    for (int i = 0; i < queries * perQuery; i++) {
      String query = "query " + i % queries;
      out.add(Judgment.graded("" + i, query, Item.ofText("t"), 1 + i % 4));
    }
    return out;
  }

  @Test
  void noQueryIsInTwoParts() {
    List<List<Judgment>> parts = new QuerySplit(SEED, 8, 1, 1).split(pairs(997, 3));
    Set<String> seen = new HashSet<>();
    int total = 0;
    for (List<Judgment> part : parts) {
      Set<String> own = new HashSet<>(part.stream().map(Judgment::query).toList());
      assertTrue(Collections.disjoint(seen, own));
      assertEquals(3 * own.size(), part.size());
      seen.addAll(own);
      total += part.size();
    }
    assertEquals(3 * 997, total);
    // Four standard deviations of a binomial count around the share.
    double deviation = 4 * Math.sqrt(997 * .8 * .2);
    assertEquals(997 * .8, parts.get(0).size() / 3.0, deviation);
  }

  @Test
  void aQuerysPartIsItsOwn() {
    QuerySplit split = new QuerySplit(SEED, .5, .5);
    List<Judgment> pairs = pairs(50, 2);
    List<List<Judgment>> before = split.split(pairs);
    List<Judgment> shuffled = new ArrayList<>(pairs(70, 2));
    Collections.shuffle(shuffled, new Random(SEED));
    List<List<Judgment>> after = split.split(shuffled);
    Set<String> first = new HashSet<>(after.get(0).stream().map(Judgment::query).toList());
    before.get(0).forEach(pair -> assertTrue(first.contains(pair.query())));
    assertEquals(split.part("Red  Shoes "), split.part("red shoes"));
    QuerySplit other = new QuerySplit(SEED + 1, .5, .5);
    assertTrue(IntStream.range(0, 50).anyMatch(i -> split.part("q" + i) != other.part("q" + i)));
    assertThrows(IllegalArgumentException.class, () -> new QuerySplit(SEED, .5, 0));
    assertThrows(IllegalArgumentException.class, () -> new QuerySplit(SEED));
  }

  /** A split made today is the split of tomorrow; expected from Python's hashlib. */
  @Test
  void partsAreFixedForever() {
    QuerySplit split = new QuerySplit(1, .25, .25, .5);
    StringBuilder parts = new StringBuilder();
    for (String query : List.of("wine rack", "projector", "red mug", "usb cable", "rug", "vase")) {
      parts.append(split.part(query));
    }
    assertEquals("020022", parts.toString());
  }

  @Test
  void shuffledSeesEachOnceAndIsReproducible() {
    Sampler sampler = Sampler.shuffled(207, SEED);
    int[] third = sampler.epoch(3);
    assertArrayEquals(IntStream.range(0, 207).toArray(), Arrays.stream(third).sorted().toArray());
    assertArrayEquals(third, Sampler.shuffled(207, SEED).epoch(3));
    assertFalse(Arrays.equals(third, sampler.epoch(4)));
    assertFalse(Arrays.equals(third, Sampler.shuffled(207, SEED + 1).epoch(3)));
  }

  @Test
  void rarestClassSetsTheSizeAndAllAreSeenOverEpochs() {
    int[] classes = new int[103]; // 13 of class 3, 30 of class 7, 60 of class 0
    Arrays.fill(classes, 0, 13, 3);
    Arrays.fill(classes, 13, 43, 7);
    Sampler sampler = new ClassBalancedSampler(classes, Size.RAREST, SEED);
    Set<Integer> seen = new HashSet<>();
    for (int epoch = 0; epoch < 5; epoch++) { // 5 x 13 covers the 60
      int[] order = sampler.epoch(epoch);
      assertEquals(39, Arrays.stream(order).distinct().count());
      int[] drawn = Arrays.stream(order).map(i -> classes[i]).toArray();
      assertEquals(0, Sampler.variation(drawn, 3));
      Arrays.stream(order).forEach(seen::add);
    }
    assertEquals(103, seen.size());
    assertTrue(Sampler.variation(classes, 3) > .5);
  }

  @Test
  void mostFrequentClassSetsTheSize() {
    int[] classes = {1, 1, 1, 1, 1, 1, 1, 2, 2, 2};
    int[] order = new ClassBalancedSampler(classes, Size.MOST_FREQUENT, SEED).epoch(0);
    assertEquals(14, order.length);
    for (int i = 7; i < 10; i++) {
      int index = i;
      long times = Arrays.stream(order).filter(drawn -> drawn == index).count();
      assertTrue(times == 2 || times == 3, index + " drawn " + times);
    }
  }

  @Test
  void softTargetsKeepTheirPlace() {
    SoftTarget target = new SoftTarget(1, 3, 4);
    assertArrayEquals(new double[] {1, 0, 0, 0}, target.distribution(3));
    assertArrayEquals(new double[] {0, 0, 0, 1}, target.distribution(1));
    assertArrayEquals(new double[] {0, .5, .5, 0}, target.distribution(2), 1e-15);
    assertArrayEquals(new double[] {.5, .5, 0, 0}, target.distribution(3 - 1 / 3.0), 1e-15);
    assertArrayEquals(new double[] {1, 0, 0, 0}, target.distribution(3.5));
    assertThrows(IllegalArgumentException.class, () -> new SoftTarget(3, 1, 4));
  }
}
