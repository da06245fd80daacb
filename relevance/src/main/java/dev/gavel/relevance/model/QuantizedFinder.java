package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import java.util.Arrays;

/** Finds matrices that a checkpoint stores as integers, and checks them by the headers alone. */
final class QuantizedFinder {
  private static final String WEIGHT = ".weight";

  private final Checkpoint checkpoint;
  private final StoredQuantization quantization;

  QuantizedFinder(Checkpoint checkpoint, StoredQuantization quantization) {
    this.checkpoint = checkpoint;
    this.quantization = quantization;
  }

  /**
   * The tensor by its parts, or null if it is not stored as integers.
   *
   * @throws ModelFormatException if a part is absent or not as the configuration says
   */
  QuantizedTensor find(TensorSpec spec) {
    if (spec.shape().length != 2 || !spec.name().endsWith(WEIGHT)) {
      return null;
    }
    String module = spec.name().substring(0, spec.name().length() - WEIGHT.length());
    IntegerScheme scheme = quantization.find(module);
    if (scheme == null || isFloat(spec.name())) {
      return null;
    }
    refuse(module + ".weight_zero_point");
    refuse(module + ".weight_g_idx");
    long rows = spec.shape()[0];
    long columns = spec.shape()[1];
    if (scheme.group() > 0 && columns % scheme.group() != 0) {
      throw new ModelFormatException(
          "config.json",
          "quantization_config: expected group_size to divide the "
              + columns
              + " columns of "
              + module
              + ", found "
              + scheme.group());
    }
    TensorInfo values =
        scheme.packed()
            ? part(module + ".weight_packed", "I32", rows, scheme.rowBytes(columns) / 4)
            : part(module + WEIGHT, "I8", rows, columns);
    TensorInfo scales = part(module + ".weight_scale", null, rows, scheme.groups(columns));
    DType dtype = Checkpoint.floatType(checkpoint.fileName(scales.name()), scales);
    if (rows * columns * dtype.bytes() > Integer.MAX_VALUE) {
      throw new ModelFormatException(
          checkpoint.fileName(values.name()),
          "tensor " + spec.name() + ": expected less than 2 GiB as " + dtype + ", found more");
    }
    return new QuantizedTensor(values, scales, scheme, dtype, (int) rows, (int) columns);
  }

  /** A class of modules is named as quantized, but some of its modules may have been left out. */
  private boolean isFloat(String tensor) {
    TensorInfo stored = checkpoint.find(tensor);
    return stored != null && !stored.dtype().equals("I8");
  }

  private void refuse(String tensor) {
    if (checkpoint.find(tensor) != null) {
      throw new ModelFormatException(
          checkpoint.fileName(tensor),
          "tensor " + tensor + ": expected none (symmetric weights in their own order), found one");
    }
  }

  private TensorInfo part(String name, String dtype, long... shape) {
    TensorInfo found = checkpoint.find(name);
    String file = checkpoint.fileName(name);
    String expected =
        "tensor "
            + name
            + ": expected "
            + (dtype == null ? "" : dtype + " ")
            + TensorInfo.text(shape)
            + " (quantization_config in config.json), found ";
    if (found == null) {
      throw new ModelFormatException(file, expected + "no such tensor");
    }
    boolean type = dtype == null || found.dtype().equals(dtype);
    if (!type || !Arrays.equals(found.shape(), shape)) {
      throw new ModelFormatException(
          file, expected + found.dtype() + " " + TensorInfo.text(found.shape()));
    }
    return found;
  }
}
