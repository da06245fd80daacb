package dev.gavel.server.results;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Names one pair before one model: SHA-256 over everything that reaches the prompt, so that no
 * caller can make two pairs share a name, and a long item costs no more room than a short one. The
 * item's id does not reach the prompt and is left out.
 *
 * @param generation of the model
 */
record ResultKey(long generation, long a, long b, long c, long d) {
  /** Makes the keys of one query's items; belongs to one thread. */
  static final class Maker {
    private final long generation;
    private final MessageDigest ofQuery;

    /**
     * @param mass whether the mass on the labels is asked for, which is computed along or not
     */
    Maker(long generation, String query, boolean mass) {
      this.generation = generation;
      this.ofQuery = sha256();
      ofQuery.update((byte) (mass ? 1 : 0));
      put(ofQuery, query);
    }

    ResultKey key(Item item) {
      MessageDigest digest = copy(ofQuery);
      put(digest, item.text());
      put(digest, item.title());
      put(digest, item.description());
      for (Attribute attribute : item.attributes()) {
        put(digest, attribute.name());
        put(digest, attribute.value());
      }
      ByteBuffer sum = ByteBuffer.wrap(digest.digest());
      return new ResultKey(generation, sum.getLong(), sum.getLong(), sum.getLong(), sum.getLong());
    }
  }

  /** With its length before it, so that no two lists of texts give the same bytes. */
  private static void put(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
    digest.update(bytes);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static MessageDigest copy(MessageDigest digest) {
    try {
      return (MessageDigest) digest.clone();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("Java's own SHA-256 can be copied", e);
    }
  }
}
