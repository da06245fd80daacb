package dev.gavel.training.sft;

/**
 * What a pair teaches.
 *
 * @param label the label that is written where the response goes on after it
 * @param weights [labels] loss weight of each label, best grade first: a distribution, or one that
 *     counts more or less
 * @param rationaleWeight loss weight of each token of the reasoning
 */
public record LabelTarget(int label, double[] weights, double rationaleWeight) {
  public LabelTarget {
    double sum = 0;
    for (double weight : weights) {
      if (!(weight >= 0) || Double.isInfinite(weight)) {
        throw new IllegalArgumentException("label weight: expected 0 or more, found " + weight);
      }
      sum += weight;
    }
    if (!(sum > 0) || !(rationaleWeight >= 0) || label < 0 || label >= weights.length) {
      throw new IllegalArgumentException(
          "target: expected a label from 0 to "
              + (weights.length - 1)
              + ", label weights above 0 and a rationale weight of 0 and more, found "
              + label
              + ", "
              + sum
              + ", "
              + rationaleWeight);
    }
  }

  /** Whether only the written label counts. */
  boolean isHard() {
    for (int i = 0; i < weights.length; i++) {
      if (i != label && weights[i] > 0) {
        return false;
      }
    }
    return true;
  }
}
