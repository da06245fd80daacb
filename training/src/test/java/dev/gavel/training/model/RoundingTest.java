package dev.gavel.training.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.edit.ModelQuantizer;
import dev.gavel.relevance.edit.QuantizeSpec;
import dev.gavel.relevance.model.Floats;
import dev.gavel.relevance.model.HalfFloats;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rounding in training, against the definition in plain Java and against the stored integers. */
class RoundingTest {
  private static final long SEED = 20261123;

  @TempDir Path folder;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  /**
   * The definition, one group at a time: values in {@code rounded}, where clipped 0 in the other.
   */
  private static void expect(
      double[] weights, int bits, int group, double[] rounded, double[] passes) {
    int low = -(1 << bits - 1);
    for (int from = 0; from < weights.length; from += group) {
      double largest = 0;
      for (int i = from; i < from + group; i++) {
        largest = Math.abs(weights[i]) > Math.abs(largest) ? weights[i] : largest;
      }
      float scale = HalfFloats.fromF16(HalfFloats.toF16((float) largest / low));
      for (int i = from; i < from + group; i++) {
        double level = scale == 0 ? 0 : Math.rint(weights[i] / scale);
        passes[i] = level >= low && level < -low ? 1 : 0;
        rounded[i] = Math.max(low, Math.min(-low - 1, level)) * scale;
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"4, 32, 3, 96", "4, 5, 7, 35", "8, 16, 2, 48", "8, 1, 1, 3"})
  void valuesAndGradientsAreThoseOfTheDefinition(int bits, int group, int rows, int columns) {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    double[] weights = new double[rows * columns];
    double[] slopes = new double[weights.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
      slopes[i] = (float) random.nextGaussian();
    }
    Arrays.fill(weights, 0, group, 0); // a group of zeros
    double[] rounded = new double[weights.length];
    double[] passes = new double[weights.length];
    expect(weights, bits, group, rounded, passes);
    try (PointerScope scope = new PointerScope()) {
      Tensor flat = Tensor.create(weights, rows, columns);
      Tensor leaf = flat.to(ScalarType.Float);
      leaf.set_requires_grad(true);
      Tensor out = new Rounding(bits, group).apply(leaf);
      assertArrayEquals(new long[] {rows, columns}, out.shape());
      // Integers below 2^8 times a scale of 11 bits are exact in fp32.
      assertArrayEquals(rounded, Torch.doubles(out), 0);
      out.mul(Tensor.create(slopes, rows, columns)).sum().backward();
      double[] expected = new double[slopes.length];
      for (int i = 0; i < slopes.length; i++) {
        expected[i] = slopes[i] * passes[i];
      }
      assertArrayEquals(expected, Torch.doubles(leaf.grad()), 0);
    }
  }

  @Test
  void whatIsStoredIsWhatWasTrainedWith() throws IOException {
    Path base = folder.resolve("base");
    RandomModel.write(ModelShape.of("tiny"), base, SEED, DType.F32);
    Path trained = folder.resolve("trained");
    try (CausalLm model = CausalLm.load(base)) {
      model.add(new Rounding(4, 32));
      ModelWriter.write(model, base, trained, DType.F32);
    }
    Path stored = folder.resolve("stored");
    ModelQuantizer.quantize(trained, stored, new QuantizeSpec(4, 32, 16, Map.of()));
    Map<String, float[]> expected = floats(trained);
    floats(stored).forEach((name, values) -> assertArrayEquals(expected.get(name), values, name));
    Map<String, float[]> before = floats(base);
    expected.forEach(
        (name, values) ->
            assertEquals(
                name.endsWith("_proj.weight"), !Arrays.equals(before.get(name), values), name));
  }

  /** Values as the loader hands stored ones out, in F16. */
  private static Map<String, float[]> floats(Path directory) {
    Map<String, float[]> out = new LinkedHashMap<>();
    Weights.open(directory)
        .forEach(
            (name, dtype, shape, data) -> {
              ByteBuffer bytes = data.slice().order(ByteOrder.LITTLE_ENDIAN);
              float[] values = new float[bytes.remaining() / dtype.bytes()];
              for (int i = 0; i < values.length; i++) {
                float value = Floats.get(bytes, dtype, i);
                values[i] = HalfFloats.fromF16(HalfFloats.toF16(value));
              }
              out.put(name, values);
            });
    return out;
  }

  @Test
  void groupsThatDoNotDivideTheRowsAreAnError() {
    try (PointerScope scope = new PointerScope()) {
      Tensor weight = Tensor.create(new float[6], 2, 3);
      IllegalArgumentException error =
          assertThrows(IllegalArgumentException.class, () -> new Rounding(4, 2).apply(weight));
      assertTrue(error.getMessage().contains("divides 3"), error.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> new Rounding(5, 32));
  }
}
