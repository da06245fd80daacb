package dev.gavel.training.distributed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.Quantization;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Models dealt out over two processes that sum over Gloo, beside the engine on the CPU, which
 * computes them whole.
 */
class RankWorkerTest {
  private static final Path HOST_DEVICE = Path.of("../native/target/cmake/host-device");
  private static final EngineOptions CPU =
      new EngineOptions("cpu", Quantization.FP32, 1, 256, 16, 16);

  @TempDir static Path folder;

  @BeforeAll
  static void work() throws Exception {
    Torch.load();
    Assumptions.assumeTrue(
        GlooExchange.isAvailable(), "the native libraries are built without Gloo");
    Assumptions.assumeTrue(
        Files.exists(HOST_DEVICE.resolve("libgavel_cuda.so")),
        "the host's model of a device is not built");
    for (String shape : RankWorker.SHAPES) {
      RandomModel.write(ModelShape.of(shape), folder.resolve(shape), 3, DType.BF16);
    }
    try (WorkerProcesses workers = new WorkerProcesses(RankWorker.class, folder)) {
      for (int rank = 0; rank < 2; rank++) {
        workers.start(
            rank,
            Map.of("GAVEL_CUDA", HOST_DEVICE.toAbsolutePath().normalize().toString()),
            Integer.toString(rank),
            folder.resolve("meeting").toString(),
            folder.toString(),
            folder.resolve("rank" + rank).toString());
      }
      workers.await();
    }
  }

  static List<String> shapes() {
    return RankWorker.SHAPES;
  }

  private static String found(int rank, String file) throws IOException {
    return Files.readString(folder.resolve("rank" + rank).resolve(file));
  }

  private static Engine alone(String shape) {
    return RankWorker.engine(folder.resolve(shape), config -> EngineBuilder.create(config, CPU));
  }

  /**
   * A layer rounds to bf16 at most 14 times: twelve on the way of one device, and once more in each
   * of the two sums. They add up like independent errors, three times that is allowed, of logits
   * whose deviation is below 3; a label's log-probability sums six logits or logs of their sums.
   */
  private static double tolerance(ModelConfig config) {
    return 3 * 0x1p-9 * Math.sqrt(14 * config.layers()) * 3 * 6;
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void labelsAreThoseOfTheWholeModel(String shape) throws IOException {
    List<Double> found = new ArrayList<>();
    for (String value : found(0, shape).replaceAll("[\\[\\]]", "").split(", ")) {
      found.add(Double.parseDouble(value));
    }
    try (Engine engine = alone(shape)) {
      List<Float> expected = RankWorker.judge(engine);
      assertEquals(expected.size(), found.size());
      double furthest = 0;
      for (int i = 0; i < found.size(); i++) {
        furthest = Math.max(furthest, Math.abs(expected.get(i) - found.get(i)));
      }
      double tolerance = tolerance(engine.config());
      assertTrue(furthest <= tolerance, shape + ": found " + furthest + ", at most " + tolerance);
      assertTrue(furthest > 0, "two engines, not one");
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void ranksHaveTheSameBitsAndDrawTheSameTokens(String shape) throws IOException {
    assertEquals(found(0, shape), found(1, shape));
    assertEquals(found(0, shape + RankWorker.TOKENS), found(1, shape + RankWorker.TOKENS));
  }

  /** The embedding is whole on each, all else of any size is halved. */
  @Test
  void aRankHoldsHalf() throws IOException {
    ModelConfig config = ModelShape.of(RankWorker.SHAPES.get(0)).config();
    long embedding = 2L * config.vocabulary() * config.hidden();
    try (Engine engine = alone(RankWorker.SHAPES.get(0))) {
      String[] bytes = found(1, RankWorker.BYTES).split(" ");
      long whole = 2 * engine.info().parameters();
      long half = embedding + (whole - embedding) / 2;
      // Norms are whole too, and every tensor begins at a multiple of 256 bytes.
      long slack = (2L * config.layers() + 1) * 2 * config.hidden() + 256L * 12 * config.layers();
      long weights = Long.parseLong(bytes[0]);
      assertTrue(weights >= half && weights <= half + slack, half + " to " + slack + " more");
      assertEquals(engine.info().kvBytesPerToken() / 4, Long.parseLong(bytes[1]), "half in bf16");
    }
  }

  @Test
  void aRankThatIsLostEndsTheOthersBatch() throws IOException {
    String error = found(0, RankWorker.LOST);
    assertTrue(error.startsWith("UNAVAILABLE ranks: expected a sum over all ranks"), error);
    assertTrue(error.contains("worker 0: a layer's result: expected an answer of all 2"), error);
  }
}
