package dev.gavel.training.evaluation;

/** Which label a distribution means. */
@FunctionalInterface
public interface Decision {

  /** The most probable label; the better grade wins a tie. */
  Decision ARGMAX =
      probabilities -> {
        int best = 0;
        for (int i = 1; i < probabilities.length; i++) {
          if (probabilities[i] > probabilities[best]) {
            best = i;
          }
        }
        return best;
      };

  /**
   * The label of [labels] probabilities, best grade first.
   *
   * @return an index
   */
  int label(double[] probabilities);

  /**
   * CumPT (TaoSR1): the best label at which the probability from the best grade down to it reaches
   * {@code threshold}; the last label if rounding keeps the sum below. {@link
   * dev.gavel.relevance.TierRule} gives the tier of the same label.
   */
  static Decision cumulative(double threshold) {
    return probabilities -> {
      double sum = 0;
      for (int i = 0; i < probabilities.length - 1; i++) {
        sum += probabilities[i];
        if (sum >= threshold) {
          return i;
        }
      }
      return probabilities.length - 1;
    };
  }
}
