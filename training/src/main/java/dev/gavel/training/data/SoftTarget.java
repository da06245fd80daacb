package dev.gavel.training.data;

/**
 * Reads a soft relevance as a distribution over grades: its place on its own scale becomes a place
 * on the grades, and the two grades around it share the weight by their distance, so that the
 * expected place is kept.
 *
 * @param worst the relevance that means the worst grade
 * @param best the relevance that means the best grade
 * @param labels number of grades, at least 2
 */
public record SoftTarget(double worst, double best, int labels) {
  public SoftTarget {
    if (!(best > worst) || labels < 2) {
      throw new IllegalArgumentException(
          "soft scale: expected worst < best and at least 2 labels, found "
              + worst
              + ", "
              + best
              + ", "
              + labels);
    }
  }

  /**
   * Probabilities of the labels, best grade first; what lies beyond the scale counts as its end.
   *
   * @param relevance a finite number
   * @return [labels]
   */
  public double[] distribution(double relevance) {
    double fraction = (best - relevance) / (best - worst);
    double place = Math.min(1, Math.max(0, fraction)) * (labels - 1);
    int before = Math.min((int) place, labels - 2);
    double[] out = new double[labels];
    out[before + 1] = place - before;
    out[before] = 1 - out[before + 1];
    return out;
  }
}
