package dev.gavel.training.distributed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two processes beside one that does the work of both. */
class GlooExchangeTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir static Path folder;

  @BeforeAll
  static void work() throws Exception {
    Torch.load();
    Torch.threads(1);
    Assumptions.assumeTrue(
        GlooExchange.isAvailable(), "the native libraries are built without Gloo");
    try (WorkerProcesses workers = new WorkerProcesses(Worker.class, folder)) {
      for (int rank = 0; rank < 2; rank++) {
        workers.start(
            rank,
            Map.of(),
            Integer.toString(rank),
            "2",
            folder.resolve("meeting").toString(),
            folder.resolve("worker" + rank).toString(),
            folder + "/run");
      }
      new Worker(GradientExchange.ALONE, folder.resolve("alone"), folder.resolve("alone-run"))
          .work();
      workers.await();
    }
  }

  private static Map<String, double[]> values(String who, String what) throws IOException {
    return Worker.read(folder.resolve(who).resolve(what));
  }

  /** Rows of a step, and as many terms of the widest sum on a row's way; both are below 200. */
  private static final int TERMS = 400;

  /**
   * The same terms added in another order: n terms differ by at most n roundings of the sum of
   * their magnitudes, which is a hundred times the largest gradient at the most.
   */
  private static double tolerance(double rounding, Map<String, double[]> gradient) {
    return TERMS * 100 * rounding * scale(gradient);
  }

  private static double scale(Map<String, double[]> gradient) {
    return gradient.values().stream()
        .flatMapToDouble(Arrays::stream)
        .map(Math::abs)
        .max()
        .orElseThrow();
  }

  @Test
  void theGradientOfTwoIsThatOfOneWithBothBatches() throws IOException {
    Map<String, double[]> alone = values("alone", Worker.GRADIENT);
    assertTrue(scale(alone) > 1e-3, "a gradient to compare");
    assertSame(alone, Worker.GRADIENT, tolerance(0x1p-53, alone));
  }

  /** Each term is rounded once more, and no term outweighs the largest gradient. */
  @Test
  void inFp32TheyDifferByItsRoundings() throws IOException {
    Map<String, double[]> alone = values("alone", Worker.GRADIENT_FP32);
    assertSame(alone, Worker.GRADIENT_FP32, TERMS * 0x1p-24 * scale(alone));
  }

  private static void assertSame(Map<String, double[]> alone, String what, double tolerance)
      throws IOException {
    Map<String, double[]> first = values("worker0", what);
    Map<String, double[]> second = values("worker1", what);
    assertEquals(alone.keySet(), first.keySet());
    for (String name : alone.keySet()) {
      assertArrayEquals(alone.get(name), first.get(name), tolerance, name);
      assertArrayEquals(first.get(name), second.get(name), 0, name);
    }
  }

  /**
   * AdamW divides a gradient by its own size plus 1e-8, so a step moves a weight by at most the
   * rate times the gradient's error over 1e-8.
   */
  @Test
  void theWeightsOfTwoAreThoseOfOneAfterAResumedRun() throws IOException {
    double error = tolerance(0x1p-53, values("alone", Worker.GRADIENT));
    double tolerance = Worker.STEPS * 1e-3 * error / 1e-8;
    assertSame(values("alone", Worker.WEIGHTS), Worker.WEIGHTS, tolerance);
  }

  /**
   * Its gradients are no larger than a few of the other test's: beta and the weight are below 1.
   */
  @Test
  void preferencesOfTwoGiveTheWeightsOfOneAfterAResumedRun() throws IOException {
    double error = tolerance(0x1p-53, values("alone", Worker.GRADIENT));
    double tolerance = Worker.DPO_STEPS * 1e-3 * error / 1e-8;
    assertSame(values("alone", Worker.DPO_WEIGHTS), Worker.DPO_WEIGHTS, tolerance);
    List<String> alone = Files.readAllLines(folder.resolve("alone-run/dpo/metrics.jsonl"));
    List<String> both = Files.readAllLines(folder.resolve("run/dpo/metrics.jsonl"));
    assertEquals(Worker.DPO_STEPS, both.size());
    for (int i = 0; i < both.size(); i++) {
      for (String name : List.of("loss", "preference_accuracy", "margin", "tokens")) {
        double expected = MAPPER.readTree(alone.get(i)).get(name).asDouble();
        assertEquals(expected, MAPPER.readTree(both.get(i)).get(name).asDouble(), 1e-9, name);
      }
    }
  }

  @Test
  void theLossIsThatOfTheWholeStepAndOnlyOneWrites() throws IOException {
    List<String> alone = Files.readAllLines(folder.resolve("alone-run/sft/metrics.jsonl"));
    List<String> both = Files.readAllLines(folder.resolve("run/sft/metrics.jsonl"));
    assertEquals(Worker.STEPS, alone.size());
    assertEquals(Worker.STEPS, both.size());
    for (int i = 0; i < alone.size(); i++) {
      for (String name : List.of("loss", "tokens", "gradient_norm")) {
        double expected = MAPPER.readTree(alone.get(i)).get(name).asDouble();
        assertEquals(expected, MAPPER.readTree(both.get(i)).get(name).asDouble(), 1e-9, name);
      }
    }
  }

  @Test
  void workersThatSampleByThemselvesKeepOnePolicyAlsoWhenResumed() throws IOException {
    Map<String, double[]> whole = values("worker0", Worker.GRPO_WEIGHTS);
    assertSame(whole, Worker.GRPO_WEIGHTS, 0);
    assertSame(whole, Worker.GRPO_RESUMED, 0);
    for (String line : Files.readAllLines(folder.resolve("run/grpo/metrics.jsonl"))) {
      assertEquals(4, MAPPER.readTree(line).get("groups").asInt(), "over both");
    }
  }

  @Test
  void textsAndNumbersReachEverybody() throws IOException {
    for (int rank = 0; rank < 2; rank++) {
      Path file = folder.resolve("worker" + rank).resolve(Worker.GATHERED);
      assertEquals("|,é|,,,[2.0, 2.0]", Files.readString(file));
    }
  }

  @Test
  void anotherConfigIsAnErrorInAllWorkers() throws IOException {
    for (int rank = 0; rank < 2; rank++) {
      assertEquals(
          "worker 1, config unlike worker 0's: batch: expected 8, found 9",
          Files.readString(folder.resolve("worker" + rank).resolve(Worker.CONFIG_ERROR)));
    }
    assertFalse(Files.exists(folder.resolve("run/never")));
  }

  private static WorkerSpec spec(int rank, WorkerSpec.Meeting meeting) {
    return new WorkerSpec(rank, 3, meeting, Duration.ofMillis(1500), Duration.ofSeconds(5));
  }

  private static String joinError(WorkerSpec spec) {
    return assertThrows(IllegalStateException.class, () -> GlooExchange.join(spec)).getMessage();
  }

  @Test
  void thoseWhoNeverComeAreNamed() throws IOException {
    Path file = folder.resolve("nobody");
    assertEquals(
        "worker 1: expected 3 workers at " + file + " within 1.5 s, found none of rank [0, 2]",
        joinError(spec(1, new WorkerSpec.SharedFile(file))));
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    WorkerSpec.Tcp tcp = new WorkerSpec.Tcp("127.0.0.1", port, false);
    assertEquals(
        "worker 0: expected 3 workers at 127.0.0.1:"
            + port
            + " within 1.5 s, found none of rank [1, 2]",
        joinError(spec(0, tcp)));
    String error = joinError(spec(2, tcp));
    assertTrue(
        error.startsWith(
            "worker 2: expected to meet at 127.0.0.1:" + port + " within 1.5 s, found: "),
        error);
  }

  @Test
  void torchrunsVariablesAreRead() {
    WorkerSpec spec =
        WorkerSpec.of(
            Map.of("RANK", "3", "WORLD_SIZE", "4", "MASTER_ADDR", "h", "MASTER_PORT", "40000"));
    assertEquals(3, spec.rank());
    assertEquals(4, spec.workers());
    assertEquals("h:40000", spec.meeting().toString());
    assertEquals(Duration.ofMinutes(5), spec.joinTimeout());
    assertTrue(GlooExchange.joinIfMany(WorkerSpec.of(Map.of())) == GradientExchange.ALONE);
    Map<String, String> cases =
        Map.of(
            "RANK", "RANK: expected a number, found nothing",
            "MASTER_ADDR", "MASTER_ADDR: expected worker 0's host, found nothing",
            "MASTER_PORT", "MASTER_PORT: expected a number, found nothing");
    cases.forEach(
        (missing, message) -> {
          Map<String, String> environment =
              new java.util.HashMap<>(
                  Map.of(
                      "RANK", "1", "WORLD_SIZE", "2", "MASTER_ADDR", "h", "MASTER_PORT", "40000"));
          environment.remove(missing);
          assertEquals(
              message,
              assertThrows(IllegalArgumentException.class, () -> WorkerSpec.of(environment))
                  .getMessage());
        });
  }
}
