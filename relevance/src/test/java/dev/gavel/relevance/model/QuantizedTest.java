package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.TestModels;
import dev.gavel.relevance.json.JsonFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Matrices of integers, against tensors that the compressed-tensors library made. */
class QuantizedTest {
  @TempDir Path directory;

  static Stream<JsonNode> cases() throws IOException {
    try (InputStream in = QuantizedTest.class.getResourceAsStream("/goldens/quantized.json")) {
      return Stream.of(JsonMapper.builder().build().readTree(in).get("cases"))
          .flatMap(
              cases -> {
                List<JsonNode> out = new ArrayList<>();
                cases.forEach(out::add);
                return out.stream();
              });
    }
  }

  private static IntegerScheme scheme(JsonNode golden) {
    return new IntegerScheme(
        golden.get("bits").asInt(),
        golden.get("group").asInt(),
        golden.get("format").asText().equals("pack-quantized"));
  }

  /** Elements of 1, 2 or 4 bytes. */
  private static ByteBuffer bytes(JsonNode values, int width) {
    ByteBuffer out =
        ByteBuffer.allocateDirect(values.size() * width).order(ByteOrder.LITTLE_ENDIAN);
    for (JsonNode value : values) {
      switch (width) {
        case 1 -> out.put((byte) value.asInt());
        case 2 -> out.putShort((short) value.asInt());
        default -> out.putInt(value.asInt());
      }
    }
    return out.flip();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void weightsAreTheLibrarysBitByBit(JsonNode golden) {
    IntegerScheme scheme = scheme(golden);
    DType dtype = DType.valueOf(golden.get("dtype").asText());
    QuantizedTensor tensor =
        new QuantizedTensor(
            null, null, scheme, dtype, golden.get("rows").asInt(), golden.get("columns").asInt());
    ByteBuffer decoded =
        tensor.decode(
            bytes(golden.get("stored"), scheme.packed() ? 4 : 1),
            bytes(golden.get("scales"), dtype.bytes()));
    assertEquals(bytes(golden.get("weights"), dtype.bytes()), decoded);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void integersArePackedAsTheLibraryDoes(JsonNode golden) {
    IntegerScheme scheme = scheme(golden);
    if (!scheme.packed()) {
      return;
    }
    ByteBuffer integers = bytes(golden.get("integers"), 1);
    ByteBuffer expected = bytes(golden.get("stored"), 4);
    ByteBuffer packed = ByteBuffer.allocate(expected.remaining());
    while (integers.hasRemaining()) {
      byte[] row = new byte[golden.get("columns").asInt()];
      integers.get(row);
      IntegerCodec.pack(scheme, row, packed);
    }
    assertEquals(expected, packed.flip());
  }

  private static StoredQuantization parse(String groups, String more) {
    return StoredQuantization.parse(
        JsonFile.parse(
            "config.json",
            "{\"quantization_config\": {\"quant_method\": \"compressed-tensors\","
                + "\"quantization_status\": \"compressed\", \"format\": \"pack-quantized\","
                + "\"config_groups\": {"
                + groups
                + "}"
                + more
                + "}}"));
  }

  private static String group(String name, String target, String weights) {
    return "\"%s\": {\"targets\": [\"%s\"], \"weights\": {%s}}".formatted(name, target, weights);
  }

  private static final String INT4 = "\"num_bits\": 4, \"strategy\": \"group\", \"group_size\": 32";
  private static final String INT8 = "\"num_bits\": 8, \"strategy\": \"channel\"";

  @Test
  void namesGoBeforePatternsAndPatternsBeforeClasses() {
    StoredQuantization stored =
        parse(
            group("a", "Linear", INT4)
                + ","
                + group("b", "re:.*down_proj$", INT8)
                + ","
                + group("c", "model.layers.0.mlp.down_proj", INT4)
                + ","
                + group("d", "Embedding", INT8),
            ", \"ignore\": [\"lm_head\", \"re:.*mlp.gate$\"]");
    IntegerScheme int4 = new IntegerScheme(4, 32, true);
    IntegerScheme int8 = new IntegerScheme(8, 0, true);
    assertEquals(int4, stored.find("model.layers.0.self_attn.q_proj"));
    assertEquals(int4, stored.find("model.layers.0.mlp.down_proj"));
    assertEquals(int8, stored.find("model.layers.1.mlp.down_proj"));
    assertEquals(int8, stored.find("model.embed_tokens"));
    assertNull(stored.find("lm_head"));
    assertNull(stored.find("model.layers.1.mlp.gate"));
    assertEquals(int4, stored.find("model.layers.1.mlp.gate_proj"));
    assertNull(StoredQuantization.NONE.find("lm_head"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "\"num_bits\": 3, \"strategy\": \"channel\" # num_bits: expected 4 or 8, found 3",
        "\"strategy\": \"channel\", \"type\": \"float\" # type: expected int, found float",
        "\"strategy\": \"channel\", \"symmetric\": false # symmetric: expected true, found false",
        "\"strategy\": \"channel\", \"dynamic\": true # dynamic: expected false, found true",
        "\"strategy\": \"block\" # strategy: expected channel or group, found block",
        "\"strategy\": \"group\" # group_size: expected an integer",
        "\"strategy\": \"channel\", \"actorder\": \"group\" # actorder: expected weight or nothing",
      })
  void otherSchemesAreRefused(String weights, String message) {
    assertRefused(message, group("a", "Linear", weights), "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        ", \"kv_cache_scheme\": {\"num_bits\": 8} # kv_cache_scheme: expected nothing, found",
        ", \"sparsity_config\": {\"format\": \"sparse-24\"} # sparsity_config: expected nothing",
        ", \"transform_config\": {\"a\": 1} # transform_config: expected nothing",
        ", \"ignore\": [\"re:(\"] # expected a regular expression, found re:(",
      })
  void otherExtrasAreRefused(String more, String message) {
    assertRefused(message, group("a", "Linear", INT8), more);
  }

  @ParameterizedTest
  @CsvSource({
    "awq,compressed,pack-quantized",
    "compressed-tensors,frozen,pack-quantized",
    "compressed-tensors,compressed,float-quantized"
  })
  void otherMethodsAreRefused(String method, String status, String format) {
    ModelFormatException error =
        assertThrows(
            ModelFormatException.class,
            () ->
                StoredQuantization.parse(
                    JsonFile.parse(
                        "config.json",
                        ("{\"quantization_config\": {\"quant_method\": \"%s\","
                                + " \"quantization_status\": \"%s\", \"format\": \"%s\","
                                + " \"config_groups\": {%s}}}")
                            .formatted(method, status, format, group("a", "Linear", INT8)))));
    assertTrue(error.getMessage().contains("quantization_config."), error.getMessage());
    assertTrue(error.getMessage().contains("expected"), error.getMessage());
  }

  private static void assertRefused(String message, String groups, String more) {
    ModelFormatException error =
        assertThrows(ModelFormatException.class, () -> parse(groups, more));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  /** The tiny model with one matrix stored as 8-bit integers, in a way that tensors name. */
  private Path tinyWith(SafetensorsWriter.Tensor... more) throws IOException {
    TestModels.random(directory, "tiny");
    Checkpoint checkpoint = Checkpoint.open(directory);
    List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
    for (TensorInfo info : checkpoint.tensors()) {
      if (!info.name().equals(NAME + ".weight")) {
        tensors.add(new SafetensorsWriter.Tensor(info.name(), info.dtype(), info.shape()));
      }
    }
    int floats = tensors.size();
    tensors.addAll(List.of(more));
    Path file = directory.resolve("model.safetensors");
    try (SafetensorsWriter writer = new SafetensorsWriter(file, tensors, Map.of())) {
      for (int i = 0; i < tensors.size(); i++) {
        ByteBuffer data = ByteBuffer.allocate((int) tensors.get(i).bytes());
        while (i >= floats && data.hasRemaining()) {
          data.put((byte) (data.position() % 5 + 0x30));
        }
        writer.write(data.rewind());
      }
      writer.finish();
    }
    String config = JsonFile.readText(directory.resolve("config.json")).strip();
    TestModels.put(
        directory,
        "config.json",
        config.substring(0, config.length() - 1)
            + ", \"quantization_config\": {\"quant_method\": \"compressed-tensors\","
            + "\"quantization_status\": \"compressed\", \"format\": \"int-quantized\","
            + "\"config_groups\": {"
            + group("a", NAME, INT8)
            + "}}}");
    return directory;
  }

  private static final String NAME = "model.layers.1.self_attn.k_proj";

  private static SafetensorsWriter.Tensor tensor(String part, String dtype, long... shape) {
    return new SafetensorsWriter.Tensor(NAME + part, dtype, shape);
  }

  @Test
  void aDirectoryGivesFloats() throws IOException {
    tinyWith(tensor(".weight", "I8", 32, 64), tensor(".weight_scale", "F32", 32, 1));
    Weights weights = Weights.open(directory);
    weights.forEach(
        (name, dtype, shape, data) -> {
          assertTrue(data.isDirect());
          if (name.equals(NAME + ".weight")) {
            assertEquals(DType.F32, dtype);
            assertArrayEquals(new long[] {32, 64}, shape);
            float scale = Float.intBitsToFloat(0x33323130);
            assertEquals(0x30 * scale, data.getFloat(0));
            assertEquals(0x34 * scale, data.getFloat(4 * 4));
            assertEquals(32 * 64 * 4, data.remaining());
          } else {
            assertEquals(DType.BF16, dtype);
          }
        });
    assertEquals(32 * 64, weights.storage().get("int8, whole rows"));
    String text = ModelDirectory.inspect(directory).toText();
    assertTrue(text.contains("2,048 parameters as int8, whole rows"), text);
  }

  @Test
  void partsThatDoNotFitAreNamed() throws IOException {
    tinyWith(tensor(".weight", "I8", 32, 64));
    assertWrong(
        NAME + ".weight_scale: expected [32, 1] (quantization_config in config.json), found no");
    tinyWith(tensor(".weight", "I8", 32, 64), tensor(".weight_scale", "F32", 32, 2));
    assertWrong(NAME + ".weight_scale: expected [32, 1]");
    tinyWith(tensor(".weight", "I8", 32, 60), tensor(".weight_scale", "F32", 32, 1));
    assertWrong(NAME + ".weight: expected I8 [32, 64]");
    tinyWith(
        tensor(".weight", "I8", 32, 64),
        tensor(".weight_scale", "F32", 32, 1),
        tensor(".weight_zero_point", "I8", 32, 1));
    assertWrong(NAME + ".weight_zero_point: expected none");
    tinyWith(tensor(".weight", "I8", 32, 64), tensor(".weight_scale", "I32", 32, 1));
    assertWrong(NAME + ".weight_scale: expected F32, F16 or BF16, found I32");
    tinyWith(tensor(".weight_packed", "I32", 32, 16), tensor(".weight_scale", "F32", 32, 1));
    assertWrong(NAME + ".weight: expected I8 [32, 64]");
  }

  private void assertWrong(String message) {
    ModelFormatException error =
        assertThrows(ModelFormatException.class, () -> Weights.open(directory));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }
}
