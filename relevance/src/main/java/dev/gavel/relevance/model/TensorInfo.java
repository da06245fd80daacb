package dev.gavel.relevance.model;

import java.util.Arrays;

/**
 * Where a tensor lies in a safetensors file.
 *
 * @param dtype as the file spells it, for example {@code BF16}
 * @param begin first byte, from the start of the file
 * @param end one past the last byte
 */
public record TensorInfo(String name, String dtype, long[] shape, long begin, long end) {
  /** Size in the file. */
  public long bytes() {
    return end - begin;
  }

  /** Number of elements. */
  public long elements() {
    return elements(shape);
  }

  static long elements(long... shape) {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  static String text(long[] shape) {
    return Arrays.toString(shape);
  }
}
