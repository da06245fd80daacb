package dev.gavel.training.loss;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against TRL's formulas in fp64; goldens from {@code tools/goldens/training/losses.py}. */
class LossGoldenTest {
  /** Sums of at most twenty terms of size one in fp64. */
  private static final double ROUNDING = 1e-13;

  private static JsonNode goldens;

  @BeforeAll
  static void load() throws IOException {
    Torch.load();
    goldens();
  }

  private static JsonNode goldens() throws IOException {
    if (goldens == null) {
      try (InputStream in = LossGoldenTest.class.getResourceAsStream("/goldens/losses.json")) {
        goldens = new ObjectMapper().readTree(in);
      }
    }
    return goldens;
  }

  static Stream<JsonNode> dpo() throws IOException {
    return StreamSupport.stream(goldens().get("dpo").spliterator(), false);
  }

  static Stream<JsonNode> grpo() throws IOException {
    return StreamSupport.stream(goldens().get("grpo").spliterator(), false);
  }

  private static double[] values(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  private static Responses responses(JsonNode json) {
    double[] lengths = values(json.get("lengths"));
    return new Responses(java.util.Arrays.stream(lengths).mapToInt(n -> (int) n).toArray());
  }

  private static Tensor leaf(JsonNode array) {
    Tensor out = constant(array);
    out.set_requires_grad(true);
    return out;
  }

  private static Tensor constant(JsonNode array) {
    double[] values = values(array);
    return Tensor.create(values, values.length);
  }

  private static void assertClose(JsonNode expected, Tensor found) {
    assertArrayEquals(values(expected), Torch.doubles(found), ROUNDING);
  }

  @Test
  void sft() {
    try (PointerScope scope = new PointerScope()) {
      JsonNode golden = goldens.get("sft").get(0);
      Tensor policy = leaf(golden.get("policy"));
      Tensor loss = SftLoss.of(policy, responses(golden).tokens());
      loss.backward();
      assertEquals(golden.get("loss").asDouble(), loss.item_double(), ROUNDING);
      assertClose(golden.get("gradient"), policy.grad());
    }
  }

  @Test
  void tokensCountByTheirWeights() {
    try (PointerScope scope = new PointerScope()) {
      Tensor logProbs = Tensor.create(new double[] {-1, -2, -4, -8}, 4);
      Tensor weights = Tensor.create(new double[] {1, 0, .5, 2}, 4);
      assertEquals(19 / 3.5, SftLoss.weighted(logProbs, weights, 3.5).item_double(), ROUNDING);
    }
  }

  @ParameterizedTest
  @MethodSource("dpo")
  void dpo(JsonNode golden) {
    try (PointerScope scope = new PointerScope()) {
      DpoLoss.Side chosen = side(golden.get("chosen"));
      DpoLoss.Side rejected = side(golden.get("rejected"));
      DpoLoss dpo = new DpoLoss(golden.get("beta").asDouble(), golden.get("nll").asDouble());
      DpoLoss.Result result = dpo.of(chosen, rejected);
      result.loss().backward();
      assertEquals(golden.get("loss").asDouble(), result.loss().item_double(), ROUNDING);
      assertClose(golden.get("margins"), result.margins());
      assertClose(golden.get("chosen").get("gradient"), chosen.policy().grad());
      assertClose(golden.get("rejected").get("gradient"), rejected.policy().grad());
    }
  }

  private static DpoLoss.Side side(JsonNode json) {
    return new DpoLoss.Side(
        responses(json), leaf(json.get("policy")), constant(json.get("reference")));
  }

  @ParameterizedTest
  @MethodSource("grpo")
  void grpo(JsonNode golden) {
    try (PointerScope scope = new PointerScope()) {
      double[] advantages =
          Advantages.of(
              values(golden.get("rewards")),
              golden.get("group").asInt(),
              golden.get("scaled").asBoolean(),
              Double.POSITIVE_INFINITY);
      assertArrayEquals(values(golden.get("advantages")), advantages, 1e-11); // over std + 1e-4
      Tensor policy = leaf(golden.get("policy"));
      GrpoLoss grpo =
          new GrpoLoss(
              golden.get("low").asDouble(),
              golden.get("high").asDouble(),
              golden.get("beta").asDouble(),
              GrpoLoss.Mean.valueOf(golden.get("mean").asText()));
      GrpoLoss.Result result =
          grpo.of(
              new GrpoLoss.Rollouts(
                  responses(golden),
                  policy,
                  constant(golden.get("sampler")),
                  constant(golden.get("reference")),
                  advantages));
      result.loss().backward();
      assertEquals(golden.get("loss").asDouble(), result.loss().item_double(), 1e-11);
      assertEquals(golden.get("kl").asDouble(), result.kl(), ROUNDING);
      assertEquals(golden.get("clipped").asDouble(), result.clipped(), ROUNDING);
      assertTrue(result.clipped() > 0, "the golden must reach the clip");
      assertArrayEquals(values(golden.get("gradient")), Torch.doubles(policy.grad()), 1e-11);
    }
  }

  @Test
  void noKlTermNeedsNoReference() {
    try (PointerScope scope = new PointerScope()) {
      Tensor policy = Tensor.create(new double[] {-1, -2}, 2);
      GrpoLoss.Rollouts rollouts =
          new GrpoLoss.Rollouts(
              new Responses(new int[] {1, 1}), policy, policy, null, new double[] {1, -1});
      GrpoLoss without = new GrpoLoss(.2, .2, 0, GrpoLoss.Mean.TOKEN);
      assertEquals(0, without.of(rollouts).loss().item_double(), ROUNDING);
      GrpoLoss with = new GrpoLoss(.2, .2, .1, GrpoLoss.Mean.TOKEN);
      assertThrows(IllegalArgumentException.class, () -> with.of(rollouts));
    }
  }

  @Test
  void advantagesOfGroups() {
    assertArrayEquals(
        new double[] {2, -2, .5, -.5},
        Advantages.of(new double[] {5, 0, 1, 0}, 2, false, 2),
        ROUNDING);
    assertArrayEquals(new double[2], Advantages.of(new double[] {1, 1}, 2, true, 2), 0);
    assertThrows(
        IllegalArgumentException.class, () -> Advantages.of(new double[] {1, 2, 3}, 2, true, 2));
    assertTrue(Advantages.isKept(1, 8) && Advantages.isKept(7, 8));
    assertTrue(!Advantages.isKept(0, 8) && !Advantages.isKept(8, 8) && !Advantages.isKept(6, 6));
  }

  @Test
  void wrongShapesAreNamed() {
    try (PointerScope scope = new PointerScope()) {
      Responses responses = new Responses(new int[] {2, 1});
      Tensor three = Tensor.create(new double[3], 3);
      Tensor four = Tensor.create(new double[4], 4);
      assertEquals(
          "reference: expected shape [3] (the responses' tokens), found [4]",
          assertThrows(
                  IllegalArgumentException.class, () -> new DpoLoss.Side(responses, three, four))
              .getMessage());
      assertThrows(IllegalArgumentException.class, () -> new Responses(new int[] {1, 0}));
      assertEquals(ScalarType.Double.value, three.scalar_type().value);
    }
  }
}
