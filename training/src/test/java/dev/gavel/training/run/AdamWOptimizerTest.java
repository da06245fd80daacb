package dev.gavel.training.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.torch.Torch;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Against the published formula, computed here with plain numbers. */
class AdamWOptimizerTest {
  private static final Path MODEL = Path.of("../native/src/test/resources/goldens/qwen2");
  private static final double BETA1 = .8;
  private static final double BETA2 = .95;
  private static final double EPSILON = 1e-6;
  private static final double DECAY = .1;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  @Test
  void stepsAsPublished() {
    PackedBatch batch =
        PackedBatch.of(List.of(PackedBatch.Sequence.of(new int[] {1, 2, 3}, new int[] {4, 5})));
    try (CausalLm model = CausalLm.load(MODEL, ScalarType.Double)) {
      model.parameters().train(true);
      Map<String, double[]> weights = values(model, false);
      Map<String, double[]> first = new LinkedHashMap<>();
      Map<String, double[]> second = new LinkedHashMap<>();
      weights.forEach((name, own) -> first.put(name, new double[own.length]));
      weights.forEach((name, own) -> second.put(name, new double[own.length]));
      double clip = .05;
      AdamWOptimizer.Settings settings =
          new AdamWOptimizer.Settings(BETA1, BETA2, EPSILON, DECAY, clip);
      try (AdamWOptimizer optimizer = new AdamWOptimizer(model.parameters(), settings)) {
        for (int step = 1; step <= 3; step++) {
          double rate = .01 / step;
          Gradients.ALL.add(model, batch, logs -> SftLoss.of(logs, 2));
          Map<String, double[]> gradients = values(model, true);
          double norm = norm(gradients);
          for (String name : weights.keySet()) {
            double share = Math.min(1, clip / (norm + 1e-6)); // PyTorch's guard
            double decay = AdamWOptimizer.isDecayed(name) ? DECAY : 0;
            step(
                step,
                rate,
                decay,
                share,
                weights.get(name),
                gradients.get(name),
                first.get(name),
                second.get(name));
          }
          assertEquals(norm, optimizer.step(rate), 1e-9 * norm);
          values(model, false)
              .forEach((name, found) -> assertArrayEquals(weights.get(name), found, 1e-10, name));
        }
      }
    }
  }

  private static void step(
      int step,
      double rate,
      double decay,
      double share,
      double[] weights,
      double[] gradients,
      double[] first,
      double[] second) {
    for (int i = 0; i < weights.length; i++) {
      double gradient = gradients[i] * share;
      first[i] = BETA1 * first[i] + (1 - BETA1) * gradient;
      second[i] = BETA2 * second[i] + (1 - BETA2) * gradient * gradient;
      double mean = first[i] / (1 - Math.pow(BETA1, step));
      double spread = Math.sqrt(second[i] / (1 - Math.pow(BETA2, step)));
      weights[i] -= rate * (decay * weights[i] + mean / (spread + EPSILON));
    }
  }

  private static double norm(Map<String, double[]> gradients) {
    double squares = 0;
    for (double[] own : gradients.values()) {
      for (double each : own) {
        squares += each * each;
      }
    }
    return Math.sqrt(squares);
  }

  private static Map<String, double[]> values(CausalLm model, boolean gradients) {
    Map<String, double[]> out = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : model.parameters().all().entrySet()) {
      Tensor tensor = entry.getValue();
      out.put(entry.getKey(), Torch.doubles(gradients ? tensor.grad() : tensor));
    }
    return out;
  }

  @Test
  void nothingToTrainIsAnError() {
    try (CausalLm model = CausalLm.load(MODEL)) {
      assertEquals(
          "parameters: expected some to be trained, found none",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> new AdamWOptimizer(model.parameters(), AdamWOptimizer.Settings.DEFAULT))
              .getMessage());
    }
  }
}
