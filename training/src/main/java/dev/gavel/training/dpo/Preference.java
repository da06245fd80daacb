package dev.gavel.training.dpo;

import dev.gavel.training.model.PackedBatch;

/**
 * Two responses to one prompt, of which the first is right.
 *
 * @param id of the judged pair
 * @param truth index of the right label
 */
public record Preference(
    String id, Kind kind, int truth, PackedBatch.Sequence chosen, PackedBatch.Sequence rejected) {

  /** Where the chosen response comes from. */
  public enum Kind {
    /** The model's own: some samples were right. */
    SELF_CORRECTION,
    /** The teacher's: no sample was right. */
    ORACLE
  }

  public Preference {
    if (chosen.targets().length == 0 || rejected.targets().length == 0) {
      throw new IllegalArgumentException("pair " + id + ": expected targets in both responses");
    }
  }

  /** Tokens of both. */
  int length() {
    return chosen.length() + rejected.length();
  }
}
