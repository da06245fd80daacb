package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import java.nio.ByteBuffer;

/** Elements of a float tensor by type. Buffers are little-endian. */
public final class Floats {
  private Floats() {}

  /** Element {@code index} from the buffer's beginning. */
  public static float get(ByteBuffer data, DType dtype, int index) {
    return switch (dtype) {
      case F32 -> data.getFloat(4 * index);
      case F16 -> HalfFloats.fromF16(data.getShort(2 * index));
      case BF16 -> HalfFloats.fromBf16(data.getShort(2 * index));
    };
  }

  /** Appends a value, rounded to the type. */
  public static void put(ByteBuffer out, DType dtype, float value) {
    switch (dtype) {
      case F32 -> out.putFloat(value);
      case F16 -> out.putShort(HalfFloats.toF16(value));
      case BF16 -> out.putShort(HalfFloats.toBf16(value));
    }
  }
}
