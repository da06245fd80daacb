package dev.gavel.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class RooflineLimitTest {
  /** n = 10, l = 2, w = 3, d = 7, K = 4, 100 weight bytes, 5 KV bytes per token. */
  private static final RooflineLimit SMALL = new RooflineLimit(10, 2, 3, 7, 4, 100, 5);

  @Test
  void smallByHand() {
    // T = 2 + 3 * 4 = 14; linear 2*10*14 = 280
    // attention 4*2*3 * (2*2/2 + 3*(2*4 + 4*4/2)) = 24 * (2 + 3*16) = 1200
    // head 2*7*4*3 = 168
    ScoreShape shape = new ScoreShape(2, 3, 4);
    assertEquals(14, shape.tokens());
    assertEquals(280 + 1200 + 168, SMALL.operations(shape));
    assertEquals(100 + 2 * 5 * 14, SMALL.bytes(shape));
  }

  @Test
  void theSlowerOfTheTwoDecides() {
    ScoreShape shape = new ScoreShape(2, 3, 4);
    assertEquals(1648 / 10.0, SMALL.seconds(shape, 10, 1000), 1e-12);
    assertEquals(240 / 1.0, SMALL.seconds(shape, 1e9, 1), 1e-12);
  }

  @Test
  void smollm2ByHand() {
    // SmolLM2-135M: a layer has 576*576 (q) + 2*576*192 (k, v) + 576*576 (o) + 3*576*1536
    // = 3,538,944 parameters in products; 30 layers: 106,168,320.
    long n = 30L * (576 * 576 + 2 * 576 * 192 + 576 * 576 + 3 * 576 * 1536);
    assertEquals(106_168_320L, n);
    // P 96, N 48, L 64: T = 96 + 3072 = 3168; linear = 2 * 106,168,320 * 3168
    // attention = 4*30*576 * (4608 + 48*(6144 + 2048)) = 69120 * 397,824
    // head = 2*576*4*48
    RooflineLimit limit = new RooflineLimit(n, 30, 576, 576, 4, 0, 0);
    double expected = 672_682_475_520.0 + 27_497_594_880.0 + 221_184.0;
    assertEquals(expected, limit.operations(new ScoreShape(96, 48, 64)));
  }

  @Test
  void largeShapesDoNotOverflow() {
    ScoreShape shape = new ScoreShape(4096, 1_000_000, 4096);
    assertEquals(4096L + 4_096_000_000L, shape.tokens());
    assertEquals(
        2.0 * 1e9 * shape.tokens(),
        new RooflineLimit(1_000_000_000L, 0, 1, 1, 0, 0, 0).operations(shape));
  }

  @Test
  void refusesEmptyShapes() {
    assertThrows(IllegalArgumentException.class, () -> new ScoreShape(0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new ScoreShape(1, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new ScoreShape(1, 1, -1));
  }

  @Test
  void percentilesAreMeasuredValues() {
    double[] values = {5, 1, 4, 2, 3};
    assertEquals(3, new Percentiles(values).median());
    assertEquals(5, new Percentiles(values).at(99));
    assertEquals(1, new Percentiles(values).at(0));
    assertEquals(2, new Percentiles(new double[] {4, 2}).median(), "nearest rank, no mean");
    assertEquals(5, values[0], "the caller's array stays");
  }
}
