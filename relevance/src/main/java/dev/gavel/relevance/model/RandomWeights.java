package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Random weights: matrices and biases normal with deviation 0.02, norms one. A weight depends on
 * seed, tensor and place only, so a file and an engine made from one seed are equal.
 *
 * <p>Values are drawn from a table of 65,536 normal numbers, four with each 64 random bits: the
 * shape of a model matters here, not the tail of its weights.
 */
final class RandomWeights {
  private static final double DEVIATION = 0.02;
  private static final int CHUNK = 1 << 16; // elements with one generator; a multiple of 4
  private static final long TABLE_SEED = 20_250_812L;
  private static final float[] TABLE = table();

  private final long seed;
  private final DType dtype;
  private final short[] halves; // the table in 16 bits, null for F32

  RandomWeights(long seed, DType dtype) {
    this.seed = seed;
    this.dtype = dtype;
    this.halves = dtype == DType.F32 ? null : new short[TABLE.length];
    for (int i = 0; halves != null && i < TABLE.length; i++) {
      halves[i] = half(TABLE[i]);
    }
  }

  private static float[] table() {
    Random random = new Random(TABLE_SEED);
    float[] table = new float[1 << 16];
    for (int i = 0; i < table.length; i++) {
      table[i] = (float) (DEVIATION * random.nextGaussian());
    }
    return table;
  }

  private short half(float value) {
    return dtype == DType.F16 ? HalfFloats.toF16(value) : HalfFloats.toBf16(value);
  }

  /**
   * Fills a buffer with elements [{@code from}, ...) of a tensor, from position 0 to the limit.
   *
   * @param tensor index of the tensor in {@link TensorSpec#of}
   * @param from a multiple of {@link #chunkElements}
   */
  void fill(TensorSpec spec, int tensor, long from, ByteBuffer buffer) {
    ByteBuffer data = buffer.order(ByteOrder.LITTLE_ENDIAN);
    int elements = data.limit() / dtype.bytes();
    if (spec.role() == TensorSpec.Role.NORM) {
      for (int i = 0; i < elements; i++) {
        put(data, i, 1f);
      }
      return;
    }
    int chunks = (elements + CHUNK - 1) / CHUNK;
    IntStream.range(0, chunks)
        .parallel()
        .forEach(
            chunk -> {
              long stream = ((long) tensor << 36) + from / CHUNK + chunk;
              int begin = chunk * CHUNK;
              fillChunk(data, begin, Math.min(elements, begin + CHUNK), stream);
            });
  }

  private void fillChunk(ByteBuffer data, int begin, int end, long stream) {
    SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + stream);
    for (int i = begin; i < end; i += 4) {
      long bits = random.nextLong();
      for (int j = i; j < Math.min(end, i + 4); j++, bits >>>= 16) {
        int index = (int) (bits & 0xFFFF);
        if (halves == null) {
          data.putFloat(j * 4, TABLE[index]);
        } else {
          data.putShort(j * 2, halves[index]);
        }
      }
    }
  }

  private void put(ByteBuffer data, int i, float value) {
    if (dtype == DType.F32) {
      data.putFloat(i * 4, value);
    } else {
      data.putShort(i * 2, half(value));
    }
  }

  /** Elements after which a new random stream begins. */
  static int chunkElements() {
    return CHUNK;
  }
}
