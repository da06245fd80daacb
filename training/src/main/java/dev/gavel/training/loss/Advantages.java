package dev.gavel.training.loss;

/** Advantages of sampled responses over the others of their group (GRPO). */
public final class Advantages {
  /** Keeps a group of equal rewards from dividing by zero. */
  static final double EPSILON = 1e-4;

  private Advantages() {}

  /**
   * Reward minus the group's mean, over the group's standard deviation (with n - 1) where scaled
   * (Shao et al., arXiv 2402.03300); unscaled as in Dr. GRPO (arXiv 2503.20783).
   *
   * @param rewards group by group
   * @param groupSize responses of a group, at least 2
   * @param clamp largest magnitude; infinity for none
   * @return one advantage for each reward
   */
  public static double[] of(double[] rewards, int groupSize, boolean scaled, double clamp) {
    if (groupSize < 2 || rewards.length % groupSize != 0) {
      throw new IllegalArgumentException(
          "advantages: expected whole groups of at least 2, found "
              + rewards.length
              + " rewards in groups of "
              + groupSize);
    }
    double[] out = new double[rewards.length];
    for (int from = 0; from < rewards.length; from += groupSize) {
      double mean = 0;
      for (int i = from; i < from + groupSize; i++) {
        mean += rewards[i] / groupSize;
      }
      double squares = 0;
      for (int i = from; i < from + groupSize; i++) {
        squares += (rewards[i] - mean) * (rewards[i] - mean);
      }
      double deviation = scaled ? Math.sqrt(squares / (groupSize - 1)) + EPSILON : 1;
      for (int i = from; i < from + groupSize; i++) {
        double advantage = (rewards[i] - mean) / deviation;
        out[i] = Math.max(-clamp, Math.min(clamp, advantage));
      }
    }
    return out;
  }

  /**
   * Whether a group teaches anything: 0 &lt; right &lt; gamma (TaoSR1, difficulty-based dynamic
   * sampling). Gamma equal to the group's size drops only all-right and all-wrong groups.
   */
  public static boolean isKept(int right, int gamma) {
    return right > 0 && right < gamma;
  }
}
