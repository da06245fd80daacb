package dev.gavel.cli.bench;

/** Checks of the numbers that flags give. */
public final class Bounds {
  private Bounds() {}

  /**
   * Refuses what is less than {@code least}.
   *
   * @throws IllegalArgumentException naming the flag
   */
  public static void atLeast(int least, String flag, int found) {
    require(found >= least, flag, "at least " + least, found);
  }

  /**
   * Refuses what does not hold.
   *
   * @throws IllegalArgumentException naming the flag
   */
  public static void require(boolean holds, String flag, String expected, int found) {
    if (!holds) {
      throw new IllegalArgumentException(flag + ": expected " + expected + ", found " + found);
    }
  }
}
