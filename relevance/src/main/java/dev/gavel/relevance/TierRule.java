package dev.gavel.relevance;

import java.util.List;

/**
 * Cumulative-probability tiering, CumPT (TaoSR1): from the best grade down, the first label at
 * which the cumulative probability reaches the one threshold gives its tier. With grades 4 to 1:
 * P(4) >= b or P(4)+P(3) >= b is GOOD, P(4)+P(3)+P(2) >= b is MID, else BAD.
 *
 * @param threshold b, in (0, 1]
 * @param tiers tier of each label, best grade first, never getting better
 */
public record TierRule(double threshold, List<Tier> tiers) {
  public TierRule {
    tiers = List.copyOf(tiers);
    if (!(threshold > 0 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "tier threshold: expected more than 0, at most 1, found " + threshold);
    }
    if (tiers.isEmpty()) {
      throw new IllegalArgumentException("tiers: expected one per label, found none");
    }
    for (int i = 1; i < tiers.size(); i++) {
      if (tiers.get(i).compareTo(tiers.get(i - 1)) < 0) {
        throw new IllegalArgumentException(
            "tiers: expected none better than the one before, found " + tiers);
      }
    }
  }

  /** The tier of a distribution; the last label's if rounding keeps the sum below the threshold. */
  public Tier tier(LabelDistribution distribution) {
    double cumulative = 0;
    for (int i = 0; i < tiers.size() - 1; i++) {
      cumulative += distribution.probability(i);
      if (cumulative >= threshold) {
        return tiers.get(i);
      }
    }
    return tiers.get(tiers.size() - 1);
  }
}
