package dev.gavel.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gavel.training.data.Sampler;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.run.GradientExchange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GroupCollectorTest {
  private static final int GROUP = 4;

  /** Pair {@code i} is answered right {@code rights[i]} times of four. */
  private static final class Scripted implements RolloutSource {
    private final int[] rights;
    final List<int[]> rounds = new ArrayList<>();
    final List<Long> seeds = new ArrayList<>();

    Scripted(int... rights) {
      this.rights = rights;
    }

    @Override
    public void push(CausalLm policy) {}

    @Override
    public List<List<Rollout>> sample(int[] pairs, int each, long seed) {
      rounds.add(pairs);
      seeds.add(seed);
      return Arrays.stream(pairs)
          .mapToObj(
              pair ->
                  IntStream.range(0, each)
                      .mapToObj(i -> response(i < rights[pair] ? 1 : 0))
                      .toList())
          .toList();
    }
  }

  private static Rollout response(int label) {
    return said("", label, true);
  }

  private static GroupCollector collector(Scripted source, GroupRule rule) {
    int[] labels = new int[source.rights.length];
    Arrays.fill(labels, 1);
    Sampler inOrder = epoch -> IntStream.range(0, labels.length).toArray();
    return new GroupCollector(new PairPool(inOrder, 0, 1), source, labels, Reward.LABEL, rule);
  }

  private static int[] pairs(GroupCollector.Collected collected) {
    return collected.groups().stream().mapToInt(Group::pair).toArray();
  }

  @Test
  void roundsGoOnUntilTheBatchIsFullAndTheRestIsKept() {
    Scripted source = new Scripted(0, 1, 4, 3, 0, 2, 1, 4, 2);
    GroupCollector collector = collector(source, new GroupRule(GROUP, GROUP, 2, 3, 5));
    GroupCollector.Collected first = collector.collect(2, 9, false);
    assertArrayEquals(new int[] {1, 3}, pairs(first)); // of the rounds 0 1 2 and 3 4 5
    assertEquals(2, first.tally().rounds);
    assertEquals(6, first.tally().sampled);
    assertEquals(3, first.tally().kept);
    assertEquals(1, first.tally().allRight);
    assertEquals(2, first.tally().allWrong);
    assertEquals(10, first.tally().right);
    assertEquals(10, first.tally().reward);
    assertEquals(6 * GROUP, first.tally().tokens);
    // Pair 5 was left over; one more round for the other.
    GroupCollector.Collected second = collector.collect(2, 10, true);
    assertArrayEquals(new int[] {5, 6}, pairs(second));
    assertEquals(3, source.rounds.size());
    assertEquals(1, second.tally().dropped, "pair 8 was left over, and the policy changes");
    GroupCollector.Collected third = collector.collect(2, 11, false);
    assertEquals(0, third.tally().dropped);
    assertArrayEquals(new int[] {1, 3}, pairs(third)); // the pool begins again
    assertEquals(source.seeds.size(), source.seeds.stream().distinct().count());
  }

  @Test
  void whatTheFirstRoundsLeftMayBeEnough() {
    Scripted source = new Scripted(1, 2, 3, 1);
    GroupCollector collector = collector(source, new GroupRule(GROUP, GROUP, 2, 4, 0));
    assertArrayEquals(new int[] {0, 1}, pairs(collector.collect(2, 1, false)));
    GroupCollector.Collected second = collector.collect(2, 2, false);
    assertArrayEquals(new int[] {2, 3}, pairs(second));
    assertEquals(0, second.tally().rounds);
  }

  @Test
  void gammaDropsWhatIsTooEasy() {
    Scripted source = new Scripted(1, 2, 3, 4);
    GroupCollector collector = collector(source, new GroupRule(GROUP, 3, 2, 4, 0));
    assertArrayEquals(new int[] {0, 1}, pairs(collector.collect(4, 1, false)));
  }

  @Test
  void refillsAreBoundedAndAnEmptyBatchIsNamed() {
    Scripted source = new Scripted(0, 4, 4);
    GroupRule rule = new GroupRule(GROUP, GROUP, 2, 3, 2);
    GroupCollector.Collected none = collector(source, rule).collect(2, 1, false);
    assertEquals(3, none.tally().rounds);
    assertEquals(List.of(), none.groups());
    GroupMetrics metrics = GroupMetrics.of(none, new int[] {1, 1, 1}, rule, GradientExchange.ALONE);
    String error =
        assertThrows(IllegalArgumentException.class, () -> metrics.requireGroups(7)).getMessage();
    assertEquals(
        "batch 7: expected a group with right and wrong responses, found none of 9: 6 all right,"
            + " 3 all wrong, the others above gamma; other pairs, a larger gamma or more refills"
            + " may help",
        error);
  }

  @Test
  void aSourceThatGivesLessIsNamed() {
    RolloutSource source =
        new RolloutSource() {
          @Override
          public void push(CausalLm policy) {}

          @Override
          public List<List<Rollout>> sample(int[] pairs, int each, long seed) {
            return List.of(List.of(response(0)));
          }
        };
    GroupCollector collector =
        new GroupCollector(
            new PairPool(epoch -> new int[] {0}, 0, 1),
            source,
            new int[] {0},
            Reward.LABEL,
            new GroupRule(GROUP, GROUP, 1, 1, 0));
    assertEquals(
        "responses of pair 0: expected 4, found 1",
        assertThrows(IllegalStateException.class, () -> collector.collect(1, 1, false))
            .getMessage());
  }

  @Test
  void workersShareThePoolAndGoOnWhereTheyWere() {
    int[] labels = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2};
    Sampler balanced = PairPool.order(labels, true, 3);
    assertEquals(0, PairPool.variation(balanced, labels));
    // Counts 6, 3, 2: mean 11/3, variance (49 + 4 + 25) / 27.
    double natural = Math.sqrt(78 / 27.0) / (11 / 3.0);
    assertEquals(natural, PairPool.variation(PairPool.order(labels, false, 3), labels), 1e-12);
    // Of the three labels two are there, 6 and 3 times: as uneven as 6, 3 and none.
    int[] drawn = {0, 1, 0, 0, 1, 0, 0, 1, 0};
    assertEquals(Math.sqrt(6) / 3, Sampler.variation(drawn, 3), 1e-12);
    assertEquals(Math.sqrt(2), Sampler.variation(new int[] {2, 2}, 3), 1e-12, "one of three");
    assertEquals(0, Sampler.variation(new int[0], 3));
    int[] whole = new PairPool(balanced, 0, 1).next(15);
    for (int rank = 0; rank < 3; rank++) {
      PairPool pool = new PairPool(balanced, rank, 3);
      int[] own = pool.next(2);
      PairPool resumed = new PairPool(balanced, rank, 3);
      resumed.skipTo(pool.taken());
      int[] more = resumed.next(3);
      for (int i = 0; i < 5; i++) {
        assertEquals(whole[3 * i + rank], i < 2 ? own[i] : more[i - 2]);
      }
    }
    assertNotEquals(
        Arrays.toString(balanced.epoch(0)), Arrays.toString(balanced.epoch(1)), "epochs differ");
  }

  @Test
  void rewardsAddUp() {
    Reward reward =
        new Reward(.2, .3, each -> each.text().contains("5."), each -> each.text().length() - 3);
    assertEquals(1 + .2 + .3, reward.of(said("5.ab", 1, true), 1), 1e-15);
    assertEquals(1 + .2, reward.of(said("5.abc", 1, true), 1), 1e-15, "concludes another label");
    assertEquals(1 + .3, reward.of(said("5.ab", 1, false), 1), 1e-15, "was cut off");
    assertEquals(.2 + .3, reward.of(said("5.ab", 1, true), 0), 1e-15, "wrong, but consistent");
    assertEquals(0, reward.of(said("ab", -1, false), 0), 0, "no label is consistent with nothing");
    assertEquals(1, Reward.LABEL.of(said("", 2, false), 2), 0);
    assertThrows(IllegalArgumentException.class, () -> new Reward(-1, 0, r -> true, r -> 0));
  }

  private static Rollout said(String text, int label, boolean ended) {
    return new Rollout(
        0, 0, new int[] {2}, new int[] {1}, new boolean[1], new double[] {-1}, text, label, ended);
  }

  @Test
  void responsesThatCannotBeLearnedFromAreNamed() {
    Rollout forced =
        new Rollout(
            0, 0, new int[] {2}, new int[] {1}, new boolean[] {true}, new double[1], "", 0, true);
    Group group = new Group(5, List.of(forced, forced), new double[] {0, 1}, 1);
    assertEquals(
        "pair 5: expected a token that was drawn, found none",
        assertThrows(
                IllegalStateException.class,
                () -> Experience.of(List.of(group), new GrpoSettings.AdvantageRule(true, 2), false))
            .getMessage());
  }
}
