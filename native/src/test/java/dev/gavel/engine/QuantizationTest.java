package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class QuantizationTest {
  @Test
  void devicesTakeTheirOwn() {
    assertEquals(List.of(Quantization.FP32, Quantization.INT8), Quantization.of("cpu"));
    assertEquals(
        List.of(Quantization.BF16, Quantization.FP16, Quantization.FP8), Quantization.of("cuda:3"));
    assertEquals(Quantization.FP32, Quantization.defaultOf("cpu"));
    assertEquals(Quantization.BF16, Quantization.defaultOf("cuda:0"));
    EngineOptions options = EngineOptions.defaults();
    assertEquals(Quantization.FP32, options.quantization());
    assertEquals(Quantization.BF16, options.withDevice("cuda:0").quantization());
  }

  @Test
  void namesAreRead() {
    for (Quantization value : Quantization.values()) {
      assertEquals(value, Quantization.parse(value.id()));
    }
    assertEquals(Quantization.INT8, Quantization.parse("int8", "cpu"));
    assertEquals(Quantization.FP8, Quantization.parse("fp8", "cuda:0"));
    assertEquals(Quantization.FP32, Quantization.parse("", "cpu"));
    assertEquals(Quantization.BF16, Quantization.parse("", "cuda:0"));
  }

  @Test
  void mistakesNameWhatTheDeviceTakes() {
    mistake("expected one of fp32, int8 on cpu, found \"fp8\"", "fp8", "cpu");
    mistake("expected one of bf16, fp16, fp8 on cuda:0, found \"fp32\"", "fp32", "cuda:0");
    assertEquals(
        "expected one of fp32, int8, bf16, fp16, fp8, found \"int4\"",
        assertThrows(IllegalArgumentException.class, () -> Quantization.parse("int4"))
            .getMessage());
  }

  private static void mistake(String message, String id, String device) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> Quantization.parse(id, device))
            .getMessage());
  }
}
