package dev.gavel.training.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

/**
 * Splits pairs so that no query is in two parts. A query's part is a function of the seed and the
 * query's words alone (SHA-256), so it stays the same when pairs are added, in any order and on any
 * machine; case and white space do not count.
 */
public final class QuerySplit {
  private final long seed;
  private final double[] ends; // cumulative shares; the last is 1

  /**
   * @param shares of the parts, each more than 0; they are scaled to sum to 1
   */
  public QuerySplit(long seed, double... shares) {
    this.seed = seed;
    this.ends = new double[shares.length];
    double sum = 0;
    for (int i = 0; i < shares.length; i++) {
      if (!(shares[i] > 0) || Double.isInfinite(shares[i])) {
        throw new IllegalArgumentException("share: expected more than 0, found " + shares[i]);
      }
      sum += shares[i];
      ends[i] = sum;
    }
    if (shares.length == 0) {
      throw new IllegalArgumentException("shares: expected at least one, found none");
    }
    for (int i = 0; i < ends.length; i++) {
      ends[i] = i == ends.length - 1 ? 1 : ends[i] / sum;
    }
  }

  /** The part of a query, from 0. */
  public int part(String query) {
    double place = uniform(normalized(query));
    int part = 0;
    while (place >= ends[part]) {
      part++;
    }
    return part;
  }

  /** All parts, each in the given order; a part may be empty. */
  public List<List<Judgment>> split(Collection<Judgment> judgments) {
    List<List<Judgment>> parts = new ArrayList<>();
    for (int i = 0; i < ends.length; i++) {
      parts.add(new ArrayList<>());
    }
    judgments.forEach(judgment -> parts.get(part(judgment.query())).add(judgment));
    return parts;
  }

  /** A query as it is compared: one space between words, no upper case. */
  public static String normalized(String query) {
    return query.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
  }

  /** In [0, 1). */
  private double uniform(String query) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(seed).flip());
      digest.update(query.getBytes(StandardCharsets.UTF_8));
      return (ByteBuffer.wrap(digest.digest()).getLong() >>> 11) * 0x1p-53;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java runtime has SHA-256", e);
    }
  }
}
