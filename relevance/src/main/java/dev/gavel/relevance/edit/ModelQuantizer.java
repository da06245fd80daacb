package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.model.Checkpoint;
import dev.gavel.relevance.model.Floats;
import dev.gavel.relevance.model.HalfFloats;
import dev.gavel.relevance.model.IntegerCodec;
import dev.gavel.relevance.model.IntegerScheme;
import dev.gavel.relevance.model.SafetensorsWriter;
import dev.gavel.relevance.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Stores the matrices of a model as integers, in the {@code pack-quantized} layout of
 * compressed-tensors: {@code weight_packed}, {@code weight_scale} in F16, {@code weight_shape}.
 * Norms, biases and what the spec leaves out stay as they are.
 */
public final class ModelQuantizer {
  private static final String WEIGHT = ".weight";

  private final Weights weights;
  private final Map<String, IntegerScheme> schemes = new LinkedHashMap<>(); // by module
  private final Map<String, double[]> errors = new TreeMap<>(); // squared error, squared weights

  private ModelQuantizer(Weights weights, QuantizeSpec spec) {
    this.weights = weights;
    weights
        .tensors()
        .forEach(
            (name, shape) -> {
              if (shape.length == 2) {
                String module = module(name);
                schemes.put(module, checked(module, shape, spec.scheme(module)));
              }
            });
  }

  private static String module(String tensor) {
    return tensor.substring(0, tensor.length() - WEIGHT.length());
  }

  private static IntegerScheme checked(String module, long[] shape, IntegerScheme scheme) {
    if (scheme != null && scheme.group() > 0 && shape[1] % scheme.group() != 0) {
      throw new IllegalArgumentException(
          "group: expected a divisor of the "
              + shape[1]
              + " columns of "
              + module
              + ", or 0 for whole rows, found "
              + scheme.group());
    }
    return scheme;
  }

  /**
   * Writes the quantized model.
   *
   * @param base a model directory with float weights; only read
   * @param out made if absent, empty otherwise
   * @throws ModelFormatException if {@code base} is not as expected
   * @throws IllegalArgumentException if {@code spec} does not fit the model
   */
  public static QuantizeReport quantize(Path base, Path out, QuantizeSpec spec) throws IOException {
    Weights weights = Weights.open(base);
    ObjectNode config = ModelFiles.read(base, ModelFiles.CONFIG);
    if (config.hasNonNull(QuantizationConfig.KEY)) {
      throw new ModelFormatException(
          ModelFiles.CONFIG,
          QuantizationConfig.KEY + ": expected float weights, found quantized ones");
    }
    ModelQuantizer quantizer = new ModelQuantizer(weights, spec);
    ModelFiles.prepare(out);
    ModelFiles.copyAllButWeights(base, out);
    ModelFiles.dropGolden(out);
    config.set(
        QuantizationConfig.KEY,
        QuantizationConfig.of(
            quantizer.schemes,
            new IntegerScheme(spec.bits(), spec.group(), true),
            weights.config().tiedEmbeddings()));
    ModelFiles.write(out, ModelFiles.CONFIG, config);
    quantizer.write(out.resolve(Checkpoint.SINGLE));
    return new QuantizeReport(
        ModelFiles.bytes(base),
        ModelFiles.bytes(out),
        weights.parameters(),
        Weights.open(out).storage(),
        quantizer.relativeErrors());
  }

  private void write(Path file) throws IOException {
    Map<String, DType> dtypes = weights.dtypesByName();
    List<SafetensorsWriter.Tensor> planned = new ArrayList<>();
    weights
        .tensors()
        .forEach((name, shape) -> planned.addAll(planned(name, shape, dtypes.get(name))));
    try (SafetensorsWriter writer = new SafetensorsWriter(file, planned, Map.of("format", "pt"))) {
      weights.forEach(
          (name, dtype, shape, data) -> {
            try {
              write(name, dtype, shape, data, writer);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      writer.finish();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private IntegerScheme scheme(String name, long[] shape) {
    return shape.length == 2 ? schemes.get(module(name)) : null;
  }

  private List<SafetensorsWriter.Tensor> planned(String name, long[] shape, DType dtype) {
    IntegerScheme scheme = scheme(name, shape);
    if (scheme == null) {
      return List.of(new SafetensorsWriter.Tensor(name, dtype, shape));
    }
    long words = scheme.rowBytes(shape[1]) / 4;
    return List.of(
        new SafetensorsWriter.Tensor(name + "_packed", "I32", shape[0], words),
        new SafetensorsWriter.Tensor(name + "_scale", "F16", shape[0], scheme.groups(shape[1])),
        new SafetensorsWriter.Tensor(name + "_shape", "I64", 2));
  }

  private void write(
      String name, DType dtype, long[] shape, ByteBuffer data, SafetensorsWriter writer)
      throws IOException {
    IntegerScheme scheme = scheme(name, shape);
    if (scheme == null) {
      writer.write(data);
      return;
    }
    int rows = (int) shape[0];
    ByteBuffer packed = buffer(rows * scheme.rowBytes(shape[1]));
    ByteBuffer scales = buffer(rows * scheme.groups(shape[1]) * DType.F16.bytes());
    double[] error = quantize(scheme, dtype, rows, (int) shape[1], data, packed, scales);
    double[] sum = errors.computeIfAbsent(kind(name), key -> new double[2]);
    sum[0] += error[0];
    sum[1] += error[1];
    writer.write(packed);
    writer.write(scales);
    writer.write(buffer(16).putLong(shape[0]).putLong(shape[1]).flip());
  }

  private static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Rows are independent: they are quantized on all cores. Returns squared error and weights. */
  private static double[] quantize(
      IntegerScheme scheme,
      DType dtype,
      int rows,
      int columns,
      ByteBuffer data,
      ByteBuffer packed,
      ByteBuffer scales) {
    int rowBytes = (int) scheme.rowBytes(columns);
    int groups = (int) scheme.groups(columns);
    return IntStream.range(0, rows)
        .parallel()
        .mapToObj(
            row -> {
              float[] values = new float[columns];
              ByteBuffer source =
                  data.slice(row * columns * dtype.bytes(), columns * dtype.bytes())
                      .order(ByteOrder.LITTLE_ENDIAN);
              for (int i = 0; i < columns; i++) {
                values[i] = Floats.get(source, dtype, i);
              }
              return quantizeRow(
                  scheme,
                  values,
                  packed.slice(row * rowBytes, rowBytes),
                  scales.slice(row * groups * 2, groups * 2).order(ByteOrder.LITTLE_ENDIAN));
            })
        .reduce(new double[2], (a, b) -> new double[] {a[0] + b[0], a[1] + b[1]});
  }

  private static double[] quantizeRow(
      IntegerScheme scheme, float[] values, ByteBuffer packed, ByteBuffer scales) {
    int width = (int) scheme.groupColumns(values.length);
    GroupQuantizer quantizer = new GroupQuantizer(scheme.bits(), width);
    byte[] integers = new byte[values.length];
    double[] error = new double[2];
    for (int from = 0; from < values.length; from += width) {
      float scale = quantizer.quantize(values, from, from + width, integers);
      scales.putShort(HalfFloats.toF16(scale));
      for (int i = from; i < from + width; i++) {
        double difference = values[i] - (double) integers[i] * scale;
        error[0] += difference * difference;
        error[1] += (double) values[i] * values[i];
      }
    }
    IntegerCodec.pack(scheme, integers, packed);
    return error;
  }

  /** The module's name without layer and expert. */
  private static String kind(String tensor) {
    return module(tensor)
        .replaceFirst("^model\\.", "")
        .replaceAll("(layers|experts)\\.\\d+\\.", "");
  }

  private Map<String, Double> relativeErrors() {
    Map<String, Double> out = new TreeMap<>();
    errors.forEach((kind, sum) -> out.put(kind, sum[1] == 0 ? 0 : Math.sqrt(sum[0] / sum[1])));
    return out;
  }
}
