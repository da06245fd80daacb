package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.grpo.PairPool;
import dev.gavel.training.rollout.Sample;
import dev.gavel.training.rollout.SampleFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The pairs of a GRPO run.
 *
 * @param labels index into the label set of every pair
 * @param read pairs of the file
 */
record GrpoPool(List<Judgment> pairs, int[] labels, Sampler order, int read) {

  /**
   * Reads the file and keeps what is neither too easy nor too hard.
   *
   * @throws IllegalArgumentException naming the file and the pair, or if nothing is left
   */
  static GrpoPool read(RelevanceModel model, GrpoConfig config) {
    List<Judgment> all = SampleStage.pairs(model, config.data());
    List<Judgment> kept =
        config.difficulty() == null ? all : within(model, all, config.difficulty());
    if (kept.isEmpty()) {
      throw new IllegalArgumentException(
          config.difficulty().samples()
              + ": expected pairs of which a share from "
              + config.difficulty().from()
              + " to "
              + config.difficulty().to()
              + " of the samples is right, found none of "
              + all.size());
    }
    int[] labels = kept.stream().mapToInt(pair -> GradeIndex.of(model.labels(), pair)).toArray();
    Sampler order = PairPool.order(labels, config.balanced(), config.seed());
    return new GrpoPool(kept, labels, order, all.size());
  }

  private static List<Judgment> within(
      RelevanceModel model, List<Judgment> pairs, GrpoConfig.Difficulty difficulty) {
    Map<String, List<Sample>> samples = new SampleFile(difficulty.samples(), model.labels()).read();
    List<Judgment> out = new ArrayList<>();
    for (Judgment pair : pairs) {
      List<Sample> own = samples.getOrDefault(pair.id(), List.of());
      int truth = GradeIndex.of(model.labels(), pair);
      double right = own.stream().filter(each -> each.label() == truth).count();
      double share = right / Math.max(1, own.size());
      if (!own.isEmpty() && share >= difficulty.from() && share <= difficulty.to()) {
        out.add(pair);
      }
    }
    return out;
  }

  /** Pairs of each label in an epoch. */
  long[] counts(int labelCount) {
    long[] out = new long[labelCount];
    IntStream.of(order.epoch(0)).forEach(pair -> out[labels[pair]]++);
    return out;
  }

  /** Coefficient of variation of the labels' counts in an epoch; 0 is even. */
  double variation() {
    return PairPool.variation(order, labels);
  }
}
