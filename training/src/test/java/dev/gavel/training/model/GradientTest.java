package dev.gavel.training.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GradientTest {
  /** fp64 rounding through a few layers, relative to the gradient's norm. */
  private static final double RELATIVE = 1e-10;

  @TempDir Path folder;

  private record Case(JsonNode json) {
    Path directory() {
      return Golden.HOME.resolve(json.get("name").asText());
    }

    PackedBatch batch() {
      List<PackedBatch.Sequence> sequences = new ArrayList<>();
      for (int i = 0; i < json.get("prompts").size(); i++) {
        int[] prompt = Golden.ints(json.get("prompts").get(i));
        sequences.add(PackedBatch.Sequence.of(prompt, Golden.ints(json.get("responses").get(i))));
      }
      return PackedBatch.of(sequences);
    }

    @Override
    public String toString() {
      return json.get("name").asText();
    }
  }

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  static List<Case> cases() throws IOException {
    List<Case> out = new ArrayList<>();
    try (InputStream in = GradientTest.class.getResourceAsStream("/goldens/gradients.json")) {
      new ObjectMapper().readTree(in).forEach(json -> out.add(new Case(json)));
    }
    return out;
  }

  private static Case named(String name) throws IOException {
    return cases().stream().filter(each -> each.toString().equals(name)).findFirst().orElseThrow();
  }

  private static double backward(CausalLm model, PackedBatch batch, Gradients how) {
    return how.add(model, batch, logs -> SftLoss.of(logs, batch.targets().length));
  }

  private static Map<String, double[]> gradients(CausalLm model) {
    Map<String, double[]> out = new LinkedHashMap<>();
    model
        .parameters()
        .all()
        .forEach(
            (name, tensor) -> {
              Tensor gradient = tensor.grad();
              out.put(
                  name,
                  gradient.defined()
                      ? Torch.doubles(gradient)
                      : new double[Math.toIntExact(tensor.numel())]);
            });
    return out;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void agreeWithTransformers(Case golden) {
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      model.parameters().train(true);
      double loss = backward(model, golden.batch(), Gradients.ALL);
      assertEquals(golden.json().get("loss").asDouble(), loss, 1e-12);
      Map<String, double[]> found = gradients(model);
      JsonNode expected = golden.json().get("gradients");
      assertEquals(expected.size(), found.size());
      for (Map.Entry<String, JsonNode> entry : expected.properties()) {
        check(entry.getKey(), entry.getValue(), found.get(entry.getKey()));
      }
    }
  }

  /** Norm and weighted sums as the script has them. */
  private static void check(String name, JsonNode expected, double[] gradient) {
    double squares = 0;
    double cosines = 0;
    double sines = 0;
    for (int i = 0; i < gradient.length; i++) {
      squares += gradient[i] * gradient[i];
      cosines += gradient[i] * Math.cos(.37 * i + 1);
      sines += gradient[i] * Math.sin(.53 * i + 2);
    }
    double norm = expected.get(0).asDouble();
    double tolerance = RELATIVE * Math.max(norm, 1e-6) * Math.sqrt(gradient.length);
    assertEquals(norm, Math.sqrt(squares), tolerance, name);
    assertEquals(expected.get(1).asDouble(), cosines, tolerance, name);
    assertEquals(expected.get(2).asDouble(), sines, tolerance, name);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void layerByLayerGivesTheSame(Case golden) {
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      model.parameters().train(true);
      double plain = backward(model, golden.batch(), Gradients.ALL);
      Map<String, double[]> expected = gradients(model);
      model.parameters().zeroGradients();
      assertEquals(plain, backward(model, golden.batch(), Gradients.LAYER_INPUTS), 1e-14);
      gradients(model)
          .forEach((name, found) -> assertArrayEquals(expected.get(name), found, 1e-13, name));
    }
  }

  /**
   * Errors of the size of bf16's rounding in the layers' weights alone change exact gradients by
   * some e, which holds the model's own sensitivity. Of every product, forward and backward, bf16
   * rounds the weight, the other factor and the result: three independent errors, and the gradient
   * of the weight as much again, so that sqrt(6) e is expected; twice that is the bound.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void bf16IsNear(Case golden) {
    Map<String, double[]> exact = gradients(golden, 0);
    double rounding = 0;
    for (long seed = 1; seed <= 6; seed++) {
      rounding = Math.max(rounding, distance(exact, gradients(golden, seed)));
    }
    rounding /= distance(exact, null);
    double bound = 2 * Math.sqrt(6) * rounding;
    try (CausalLm model = CausalLm.load(golden.directory(), Precision.BF16)) {
      model.parameters().train(true);
      double loss = backward(model, golden.batch(), Gradients.ALL);
      assertEquals(golden.json().get("loss").asDouble(), loss, bound * loss);
      Map<String, double[]> found = gradients(model);
      double error = distance(exact, found) / distance(exact, null);
      assertTrue(error < bound, "error " + error + ", bound " + bound);
      assertTrue(error > 0x1p-8 / 8, "error " + error + ": are the products bf16?");
      Tensor gradient = model.parameters().get("model.layers.0.self_attn.q_proj.weight").grad();
      assertEquals(ScalarType.Float, gradient.scalar_type().intern());

      model.parameters().zeroGradients();
      assertEquals(loss, backward(model, golden.batch(), Gradients.LAYER_INPUTS), 1e-6 * loss);
      double apart = distance(found, gradients(model)) / distance(found, null);
      assertTrue(apart < 1e-5, "layer by layer: " + apart);
    }
  }

  /** In fp64, of the weights themselves (seed 0) or of weights that are off by up to 2^-8. */
  private static Map<String, double[]> gradients(Case golden, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        for (Map.Entry<String, Tensor> each : model.parameters().all().entrySet()) {
          if (seed > 0 && each.getKey().endsWith("_proj.weight")) {
            double[] factors =
                random.doubles(each.getValue().numel(), 1 - 0x1p-8, 1 + 0x1p-8).toArray();
            each.getValue().mul_(Tensor.create(factors, each.getValue().shape()));
          }
        }
      }
      model.parameters().train(true);
      backward(model, golden.batch(), Gradients.ALL);
      return gradients(model);
    }
  }

  /** Of two gradients, or of one from zero. */
  private static double distance(Map<String, double[]> one, Map<String, double[]> other) {
    double squares = 0;
    for (Map.Entry<String, double[]> entry : one.entrySet()) {
      for (int i = 0; i < entry.getValue().length; i++) {
        double from = other == null ? 0 : other.get(entry.getKey())[i];
        squares += Math.pow(entry.getValue()[i] - from, 2);
      }
    }
    return Math.sqrt(squares);
  }

  @Test
  void microBatchesAddUp() throws IOException {
    Case golden = named("qwen2");
    PackedBatch all = golden.batch();
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      model.parameters().train(true);
      backward(model, all, Gradients.ALL);
      Map<String, double[]> expected = gradients(model);
      model.parameters().zeroGradients();
      for (int i = 0; i < all.sequences(); i++) {
        int[] prompt = Golden.ints(golden.json().get("prompts").get(i));
        int[] response = Golden.ints(golden.json().get("responses").get(i));
        PackedBatch one = PackedBatch.of(List.of(PackedBatch.Sequence.of(prompt, response)));
        Gradients.ALL.add(model, one, logs -> SftLoss.of(logs, all.targets().length));
      }
      gradients(model)
          .forEach((name, found) -> assertArrayEquals(expected.get(name), found, 1e-13, name));
    }
  }

  @Test
  void adaptersStartAtTheModelAndMergeIntoIt() throws IOException {
    Case golden = named("qwen3");
    PackedBatch batch = golden.batch();
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      double[] before = model.score(batch);
      model.add(new Lora(3, 6, Set.of("q_proj", "down_proj"), 5));
      assertArrayEquals(before, model.score(batch), 0);
      assertEquals(2 * 2 * model.config().layers(), model.parameters().trainable().size());

      backward(model, batch, Gradients.LAYER_INPUTS);
      assertFalse(model.parameters().get("model.norm.weight").grad().defined());
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        int[] seed = {0};
        model
            .parameters()
            .trainable()
            .forEach(
                (name, tensor) -> {
                  assertTrue(tensor.grad().defined(), name);
                  torch.manual_seed(seed[0]++);
                  tensor.copy_(torch.randn(tensor.shape()).to(ScalarType.Double));
                });
      }
      double[] adapted = model.score(batch);
      Path out = folder.resolve("merged");
      ModelWriter.write(model, golden.directory(), out, DType.F32);
      try (CausalLm merged = CausalLm.load(out, ScalarType.Double)) {
        // The merged weights were rounded to fp32.
        assertArrayEquals(adapted, merged.score(batch), 1e-4);
        assertTrue(Math.abs(adapted[0] - before[0]) > .01);
      }
    }
  }

  @Test
  void adapterGradientsAreDifferenceQuotients() throws IOException {
    Case golden = named("llama-tied");
    PackedBatch batch = golden.batch();
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      model.add(new Lora(2, 3, Lora.ALL_LINEAR, 9));
      backward(model, batch, Gradients.ALL);
      Tensor b = model.parameters().get("model.layers.1.self_attn.v_proj.lora_B.weight");
      double gradient = Torch.doubles(b.grad())[3];
      double step = 1e-6;
      double[] losses = new double[2];
      for (int side = 0; side < 2; side++) {
        double[] values = new double[Math.toIntExact(b.numel())];
        values[3] = side == 0 ? -step : step;
        try (PointerScope scope = new PointerScope();
            NoGradGuard guard = new NoGradGuard()) {
          b.copy_(Tensor.create(values, b.shape()));
        }
        for (double log : model.score(batch)) {
          losses[side] -= log / batch.targets().length;
        }
      }
      assertEquals((losses[1] - losses[0]) / (2 * step), gradient, 1e-7);
    }
  }

  @Test
  void unknownTargetsAreNamed() throws IOException {
    try (CausalLm model = CausalLm.load(named("qwen2").directory())) {
      Lora lora = new Lora(2, 2, Set.of("c_attn"), 1);
      assertEquals(
          "lora: expected layers named [c_attn], found none",
          assertThrows(IllegalArgumentException.class, () -> model.add(lora)).getMessage());
    }
  }
}
