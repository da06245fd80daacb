package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A matrix [rows, columns] that is stored as integers and scales.
 *
 * @param values [rows, words] I32 where packed, else [rows, columns] I8
 * @param scales [rows, groups]
 * @param dtype of the scales, and so of the weights
 */
record QuantizedTensor(
    TensorInfo values,
    TensorInfo scales,
    IntegerScheme scheme,
    DType dtype,
    int rows,
    int columns) {

  /**
   * The weights, row-major.
   *
   * @return a new direct buffer, little-endian
   */
  ByteBuffer decode(ByteBuffer values, ByteBuffer scales) {
    long bytes = (long) rows * columns * dtype.bytes();
    ByteBuffer out =
        ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      IntegerCodec.decodeRow(scheme, row, columns, values, scales, dtype, out);
    }
    return out.flip();
  }
}
