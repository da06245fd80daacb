package dev.gavel.training.evaluation;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Counts of true against predicted classes, and what follows from them. */
public final class ConfusionMatrix {
  private final long[][] counts; // [true][predicted]
  private final long total;

  private ConfusionMatrix(long[][] counts) {
    this.counts = counts;
    long sum = 0;
    for (long[] row : counts) {
      for (long count : row) {
        sum += count;
      }
    }
    this.total = sum;
  }

  /**
   * Takes counts as they are.
   *
   * @param counts [true][predicted], square
   */
  public static ConfusionMatrix of(long[][] counts) {
    long[][] copy = new long[counts.length][];
    for (int i = 0; i < copy.length; i++) {
      if (counts[i].length != counts.length) {
        throw new IllegalArgumentException(
            "counts: expected " + counts.length + " columns, found " + counts[i].length);
      }
      copy[i] = counts[i].clone();
    }
    return new ConfusionMatrix(copy);
  }

  /** Decides every pair. */
  public static ConfusionMatrix of(List<Scored> pairs, int labels, Decision decision) {
    long[][] counts = new long[labels][labels];
    for (Scored pair : pairs) {
      counts[pair.truth()][decision.label(pair.probabilities())]++;
    }
    return new ConfusionMatrix(counts);
  }

  /** The same with classes put together: class {@code of[i]} for class i. */
  public ConfusionMatrix merged(int[] of, int classes) {
    long[][] out = new long[classes][classes];
    for (int i = 0; i < counts.length; i++) {
      for (int j = 0; j < counts.length; j++) {
        out[of[i]][of[j]] += counts[i][j];
      }
    }
    return new ConfusionMatrix(out);
  }

  public int classes() {
    return counts.length;
  }

  public long total() {
    return total;
  }

  public long count(int truth, int predicted) {
    return counts[truth][predicted];
  }

  private long trueOf(int c) {
    return IntStream.range(0, classes()).mapToLong(j -> counts[c][j]).sum();
  }

  private long predictedOf(int c) {
    return IntStream.range(0, classes()).mapToLong(i -> counts[i][c]).sum();
  }

  /** Share of right predictions; NaN without pairs. */
  public double accuracy() {
    return IntStream.range(0, classes()).mapToLong(c -> counts[c][c]).sum() / (double) total;
  }

  /** 2 TP / (2 TP + FP + FN); 0 for a class that neither occurs nor is predicted. */
  public double f1(int c) {
    long both = trueOf(c) + predictedOf(c);
    return both == 0 ? 0 : 2.0 * counts[c][c] / both;
  }

  /** Mean F1 of the classes that occur or are predicted, as scikit-learn has it. */
  public double macroF1() {
    return IntStream.range(0, classes())
        .filter(c -> trueOf(c) + predictedOf(c) > 0)
        .mapToDouble(this::f1)
        .average()
        .orElse(Double.NaN);
  }

  /** F1 of a group of classes taken as one, such as the grades that are Good. */
  public double groupF1(IntPredicate group) {
    long right = 0;
    long both = 0;
    for (int i = 0; i < classes(); i++) {
      for (int j = 0; j < classes(); j++) {
        boolean isTrue = group.test(i);
        boolean isPredicted = group.test(j);
        right += isTrue && isPredicted ? counts[i][j] : 0;
        both += (isTrue ? counts[i][j] : 0) + (isPredicted ? counts[i][j] : 0);
      }
    }
    return both == 0 ? 0 : 2.0 * right / both;
  }

  /**
   * Cohen's kappa with quadratic weights of the distance between classes: 1 is agreement, 0 what
   * chance gives with the same class counts. NaN where chance already agrees (one class only).
   */
  public double quadraticWeightedKappa() {
    double observed = 0;
    double expected = 0;
    for (int i = 0; i < classes(); i++) {
      for (int j = 0; j < classes(); j++) {
        double weight = (double) (i - j) * (i - j);
        observed += weight * counts[i][j];
        expected += weight * trueOf(i) * predictedOf(j) / total;
      }
    }
    return expected == 0 ? Double.NaN : 1 - observed / expected;
  }
}
