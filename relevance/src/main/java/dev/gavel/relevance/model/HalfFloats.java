package dev.gavel.relevance.model;

/** Rounds to 16-bit floats, to nearest, ties to even. */
public final class HalfFloats {
  private HalfFloats() {}

  /** The upper half of the 32-bit float. NaN stays NaN. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /** IEEE 754 binary16; what is too large becomes infinity. */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7E00);
    } else if (magnitude >= 65_520f) {
      return (short) (sign | 0x7C00);
    } else if (magnitude < 0x1p-14f) {
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24)); // subnormal
    }
    int rounded = (bits & 0x7FFFFFFF) + 0xFFF + (bits >>> 13 & 1);
    return (short) (sign | (rounded >>> 13) - (112 << 10));
  }

  /** Widens a bf16. */
  public static float fromBf16(short value) {
    return Float.intBitsToFloat(value << 16);
  }

  /** Widens a binary16. */
  public static float fromF16(short value) {
    int exponent = value >>> 10 & 0x1F;
    int fraction = value & 0x3FF;
    float magnitude =
        exponent == 0x1F
            ? (fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN)
            : exponent == 0
                ? fraction * 0x1p-24f
                : Float.intBitsToFloat(exponent + 112 << 23 | fraction << 13);
    return value < 0 ? -magnitude : magnitude;
  }
}
