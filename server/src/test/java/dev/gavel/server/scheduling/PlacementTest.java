package dev.gavel.server.scheduling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.server.observability.ServerStats;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PlacementTest {
  private static final int ROWS_ENOUGH = 1000;
  private static final int LABEL_ROWS = 1;

  private final List<Backlog> backlogs = new ArrayList<>();
  private final List<Integer> failed = new ArrayList<>();
  private Placement placement;

  private void devices(int count) {
    ServerStats stats = new ServerStats();
    List<Placement.Target> targets = new ArrayList<>();
    for (int d = 0; d < count; d++) {
      int device = d;
      Backlog backlog = new Backlog(stats.addDevice("cpu:" + d));
      backlogs.add(backlog);
      targets.add(
          new Placement.Target(backlog, new PrefixMemory(100_000), () -> !failed.contains(device)));
    }
    placement = new Placement(targets, LABEL_ROWS, ROWS_ENOUGH);
  }

  /** A prefix that only calls of the same number share, and items likewise. */
  private static ScoreJob.Work work(int number, int prefix, int items, int shared) {
    List<EncodedItem> encoded = new ArrayList<>();
    for (int i = 0; i < items; i++) {
      encoded.add(new EncodedItem(new int[] {i, 1, 2, 3, 4, 5, 6, 7, number, 9}, shared, 0, null));
    }
    int[] tokens = IntStream.generate(() -> number).limit(prefix).toArray();
    return new ScoreJob.Work(tokens, encoded, false);
  }

  private Placement.Part placeWhole(ScoreJob.Work work) {
    List<Placement.Part> parts = placement.place(work, true);
    assertEquals(1, parts.size());
    assertEquals(work.items().size(), parts.get(0).items().length);
    return parts.get(0);
  }

  @Test
  void goesWhereThePrefixIsHeld() {
    devices(3);
    int first = placeWhole(work(1, 100, 3, 0)).device();
    for (int i = 0; i < 5; i++) {
      Placement.Part again = placeWhole(work(1, 100, 3, 0));
      assertEquals(first, again.device());
      assertEquals(3 * (10 + LABEL_ROWS), again.rows(), "the prefix costs nothing");
    }
  }

  /** The shortest queue may be shorter by what the prefix saves, and not by more. */
  @Test
  void leavesAQueueThatCostsMoreThanThePrefixSaves() {
    devices(3);
    int holder = placeWhole(work(1, 100, 3, 0)).device();
    backlogs.get(holder).add(99);
    assertEquals(holder, placeWhole(work(1, 100, 3, 0)).device());
    backlogs.get(holder).add(2);
    int other = placeWhole(work(1, 100, 3, 0)).device();
    assertTrue(other != holder);
    backlogs.get(other).add(50);
    assertEquals(other, placeWhole(work(1, 100, 3, 0)).device(), "now it is held there too");
  }

  @Test
  void itemsThatAreHeldCountAsWell() {
    devices(2);
    int first = placeWhole(work(1, 5, 20, 8)).device();
    assertEquals(20 * (2 + LABEL_ROWS), placeWhole(work(1, 5, 20, 8)).rows());
    backlogs.get(first).add(5 + 20 * 8 - 1);
    assertEquals(first, placeWhole(work(1, 5, 20, 8)).device());
    backlogs.get(first).add(2);
    assertTrue(placeWhole(work(1, 5, 20, 8)).device() != first);
  }

  @Test
  void idleDevicesTakeTurns() {
    devices(4);
    Set<Integer> used = new HashSet<>();
    for (int i = 0; i < 4; i++) {
      Placement.Part part = placeWhole(work(i, 50, 2, 0));
      backlogs.get(part.device()).add(part.rows()).end(); // computed before the next comes
      used.add(part.device());
    }
    assertEquals(4, used.size());
  }

  @Test
  void aFailedDeviceGetsNothing() {
    devices(2);
    int holder = placeWhole(work(1, 100, 3, 0)).device();
    failed.add(holder);
    placement.forget(holder);
    assertTrue(placeWhole(work(1, 100, 3, 0)).device() != holder);
    failed.add(1 - holder);
    assertEquals(List.of(), placement.place(work(1, 100, 3, 0), true));
    assertNull(placement.place(new int[] {1, 2}, 1, 10));
    failed.clear();
    assertEquals(1 - holder, placeWhole(work(1, 100, 3, 0)).device(), "the holder has forgotten");
  }

  @Test
  void anExplanationFollowsTheScoreOfItsQuery() {
    devices(3);
    ScoreJob.Work work = work(7, 100, 3, 0);
    int holder = placeWhole(work).device();
    int[] prompt = IntStream.concat(IntStream.of(work.prefix()), IntStream.of(1, 2, 3)).toArray();
    Placement.Part part = placement.place(prompt, 100, 150);
    assertEquals(holder, part.device());
    assertEquals(50, part.rows());
  }

  @Test
  void onlyLargeCallsAreDealtOutAndOnlyOverIdleDevices() {
    devices(4);
    assertEquals(1, placement.place(work(1, 100, 170, 0), true).size(), "1,970 rows");
    backlogs.get(0).add(1);
    assertEquals(2, placement.place(work(2, 100, 180, 0), true).size(), "2,080 rows");
    assertEquals(1, placement.place(work(4, 100, 400, 0), false).size(), "not to be spread");
    List<Placement.Part> parts = placement.place(work(3, 100, 400, 0), true);
    assertEquals(3, parts.size(), "4,500 rows, three idle devices");
    long most = parts.stream().mapToLong(Placement.Part::rows).max().orElseThrow();
    long least = parts.stream().mapToLong(Placement.Part::rows).min().orElseThrow();
    assertTrue(most - least <= 10 + LABEL_ROWS, most + " and " + least);
    int[] all = parts.stream().flatMapToInt(p -> IntStream.of(p.items())).sorted().toArray();
    assertArrayEquals(IntStream.range(0, 400).toArray(), all);
    assertTrue(parts.stream().noneMatch(part -> part.device() == 0));
  }

  /**
   * Against a plain count: whatever came before, a call is never done later than on the device with
   * the shortest queue, which bounds how uneven the queues get.
   */
  @Test
  void neverWorseThanTheShortestQueue() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    devices(1 + random.nextInt(7));
    List<Backlog.Part> open = new ArrayList<>();
    for (int step = 0; step < 2000; step++) {
      int prefix = 1 + random.nextInt(300);
      ScoreJob.Work work = work(random.nextInt(20), prefix, 1 + random.nextInt(9), 0);
      long whole = prefix + (long) work.items().size() * (10 + LABEL_ROWS);
      long shortest = backlogs.stream().mapToLong(Backlog::rows).min().orElseThrow();
      Placement.Part part = placeWhole(work);
      assertTrue(part.rows() == whole || part.rows() == whole - prefix, "rows " + part.rows());
      long doneAfter = backlogs.get(part.device()).rows() + part.rows();
      assertTrue(doneAfter <= shortest + whole, doneAfter + " > " + shortest + " + " + whole);
      open.add(backlogs.get(part.device()).add(part.rows()));
      long longest = backlogs.stream().mapToLong(Backlog::rows).max().orElseThrow();
      if (open.size() > 40) {
        open.remove(random.nextInt(open.size())).end();
      } else {
        // While nothing is computed, no queue is longer than another by more than one call.
        long now = backlogs.stream().mapToLong(Backlog::rows).min().orElseThrow();
        assertTrue(step >= 40 || longest - now <= 300 + 9 * (10 + LABEL_ROWS), "" + longest);
      }
    }
  }
}
