package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.RelevanceModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ModelShapeTest {
  /** Counts as published for these models. */
  @ParameterizedTest
  @CsvSource({
    "smollm2-135m, 134515008",
    "smollm2-360m, 361821120",
    "smollm2-1.7b, 1711376384",
    "qwen2.5-0.5b, 494032768",
    "qwen2.5-1.5b, 1543714304",
    "qwen3-0.6b, 596049920",
    "qwen3-1.7b, 1720574976",
    "qwen3-4b, 4022468096",
    "qwen3-8b, 8190735360",
    "qwen3-30b-a3b, 30532122624",
    "small-12m, 12587904",
    "small-52m, 51918912",
  })
  void namedShapesHaveTheirParameters(String name, long parameters) {
    assertEquals(parameters, ModelShape.of(name).parameters());
  }

  @Test
  void unknownNamesAreRefused() {
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> ModelShape.of("huge"));
    assertTrue(
        error.getMessage().contains("tiny-llama") && error.getMessage().contains("found huge"));
    assertEquals(ModelShape.of("tiny-llama").config(), ModelShape.of("tiny").config());
    ModelShape.names()
        .forEach(name -> assertTrue(ModelShape.of(name).config().vocabulary() >= 512));
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyElementTypeCanBeWritten(DType dtype, @TempDir Path directory) throws IOException {
    RandomModel.write(ModelShape.of("tiny-qwen3"), directory, 3, dtype);
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals("qwen3", model.config().architecture());
    }
    SafetensorsFile file = SafetensorsFile.open(directory.resolve("model.safetensors"));
    assertEquals(dtype.name(), file.tensors().get("model.norm.weight").dtype());
    try (SafetensorsFile.Data data = file.data()) {
      ByteBuffer norm = data.read(file.tensors().get("model.norm.weight"));
      short half = norm.getShort(0);
      float first =
          switch (dtype) {
            case F32 -> norm.getFloat(0);
            case F16 -> HalfFloats.fromF16(half);
            case BF16 -> HalfFloats.fromBf16(half);
          };
      assertEquals(1f, first);
    }
  }

  @Test
  void weightsDependOnTheSeedOnly(@TempDir Path a, @TempDir Path b, @TempDir Path c)
      throws IOException {
    ModelShape shape = ModelShape.of("tiny");
    RandomModel.write(shape, a, 1, DType.BF16);
    RandomModel.write(shape, b, 1, DType.BF16);
    RandomModel.write(shape, c, 2, DType.BF16);
    byte[] first = Files.readAllBytes(a.resolve("model.safetensors"));
    assertArrayEquals(first, Files.readAllBytes(b.resolve("model.safetensors")));
    assertFalse(Arrays.equals(first, Files.readAllBytes(c.resolve("model.safetensors"))));
  }

  @Test
  void matricesAreNormalWithDeviationOfTwoHundredths() {
    TensorSpec spec = new TensorSpec("m.weight", TensorSpec.Role.MATRIX, 207, 1009);
    int elements = 207 * 1009;
    ByteBuffer data = ByteBuffer.allocate(elements * 4);
    new RandomWeights(5, DType.F32).fill(spec, 3, 0, data);
    data.order(ByteOrder.LITTLE_ENDIAN);
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < elements; i++) {
      float value = data.getFloat(i * 4);
      sum += value;
      squares += value * (double) value;
    }
    // The mean's own deviation is 0.02 / sqrt(n) = 4.4e-5, the variance's 4e-4 * sqrt(2 / n) =
    // 1.2e-6; six of each. The table of 65,536 draws adds twice as much again.
    assertEquals(0, sum / elements, 6 * 3 * 4.4e-5);
    assertEquals(4e-4, squares / elements, 6 * 3 * 1.2e-6);
  }
}
