package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import java.nio.ByteBuffer;

/**
 * Integers of {@link IntegerScheme} to and from bytes. Words are little-endian, so that element
 * {@code i} of a packed row of 8 bits is byte {@code i}, and of 4 bits a half of byte {@code i /
 * 2}, the lower one first. This is the {@code pack-quantized} layout of compressed-tensors.
 */
public final class IntegerCodec {
  private IntegerCodec() {}

  /** The integer at a column of a stored row that begins at {@code row}. */
  static int integer(IntegerScheme scheme, ByteBuffer values, int row, int column) {
    if (!scheme.packed()) {
      return values.get(row + column);
    }
    if (scheme.bits() == 8) {
      return (values.get(row + column) & 0xFF) - 128;
    }
    return (values.get(row + column / 2) >>> column % 2 * 4 & 0xF) - 8;
  }

  /**
   * Appends a row in the scheme's packed form.
   *
   * @param integers the row
   */
  public static void pack(IntegerScheme scheme, byte[] integers, ByteBuffer out) {
    int end = out.position() + (int) scheme.rowBytes(integers.length);
    if (scheme.bits() == 8) {
      for (byte value : integers) {
        out.put((byte) (value + 128));
      }
    } else {
      for (int i = 0; i < integers.length; i += 2) {
        int high = i + 1 < integers.length ? integers[i + 1] + 8 : 0;
        out.put((byte) (integers[i] + 8 | high << 4));
      }
    }
    while (out.position() < end) {
      out.put((byte) 0);
    }
  }

  /**
   * Appends a row of weights: integer times scale, rounded to the scale's type once.
   *
   * @param scales of all rows, of type {@code dtype}
   * @param out little-endian; gets elements of type {@code dtype}
   */
  static void decodeRow(
      IntegerScheme scheme,
      int row,
      int columns,
      ByteBuffer values,
      ByteBuffer scales,
      DType dtype,
      ByteBuffer out) {
    int from = (int) (row * scheme.rowBytes(columns));
    int width = (int) scheme.groupColumns(columns);
    int scaleAt = (int) (row * scheme.groups(columns));
    for (int begin = 0; begin < columns; begin += width) {
      float scale = Floats.get(scales, dtype, scaleAt++);
      for (int column = begin; column < begin + width; column++) {
        Floats.put(out, dtype, integer(scheme, values, from, column) * scale);
      }
    }
  }
}
