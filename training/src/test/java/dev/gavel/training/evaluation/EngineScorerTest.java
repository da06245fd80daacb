package dev.gavel.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.sft.LabelTarget;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineScorerTest {
  /** Two fp32 computations of a small model in different order; probabilities are below 1. */
  private static final double TOLERANCE = 1e-4;

  @TempDir static Path folder;
  private static RelevanceModel model;

  @BeforeAll
  static void open() throws IOException {
    Torch.load();
    Torch.threads(1);
    RandomModel.write(ModelShape.of("tiny"), folder, 3, DType.BF16);
    model = RelevanceModel.open(folder);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** Queries in turn, so that pairs of one query are not neighbours. */
  private static List<Judgment> pairs() {
    List<Judgment> out = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      Item item = Item.ofText("shoes " + "red ".repeat(i % 5) + i);
      out.add(Judgment.graded("p" + i, "query " + i % 3, item, 1 + i % 4));
    }
    return out;
  }

  private static List<Scored> scored(int batchTokensMax) {
    return scored(model, batchTokensMax);
  }

  private static List<Scored> scored(RelevanceModel by, int batchTokensMax) {
    EngineOptions options =
        EngineOptions.defaults().withThreads(1).withBlocks(64).withBatchTokensMax(batchTokensMax);
    try (EngineScorer scorer = new EngineScorer(by, options)) {
      return scorer.score(pairs());
    }
  }

  @Test
  void agreesWithTheTrainersModel() {
    assertAgreesWithTheTrainersModel(model);
  }

  @Test
  void promptsThatBeginWithTheItemShareNothing() throws IOException {
    Path own = Files.createDirectory(folder.resolve("item-first"));
    RandomModel.write(ModelShape.of("tiny"), own, 3, DType.BF16);
    Files.writeString(
        own.resolve("gavel.json"),
        "{\"prompt\": {\"chat\": false, \"user\": \"{item}\\n{query}\"}}");
    try (RelevanceModel itemFirst = RelevanceModel.open(own)) {
      assertAgreesWithTheTrainersModel(itemFirst);
    }
  }

  private static void assertAgreesWithTheTrainersModel(RelevanceModel judge) {
    List<Scored> scored = scored(judge, 4096);
    ResponseEncoder encoder = new ResponseEncoder(judge, ResponseEncoder.Form.LABEL_ONLY);
    double[] even = {.25, .25, .25, .25};
    try (CausalLm trainer = CausalLm.load(folder)) {
      for (int i = 0; i < pairs().size(); i++) {
        Judgment pair = pairs().get(i);
        assertEquals(pair.id(), scored.get(i).id());
        assertEquals(pair.query(), scored.get(i).query());
        assertEquals(4 - pair.grade().getAsInt(), scored.get(i).truth());
        PackedBatch batch =
            PackedBatch.of(List.of(encoder.encode(pair, new LabelTarget(0, even, 0))));
        double[] expected = trainer.score(batch);
        double mass = 0;
        for (int j = 0; j < 4; j++) {
          expected[j] = Math.exp(expected[j]);
          mass += expected[j];
        }
        for (int j = 0; j < 4; j++) {
          expected[j] /= mass;
        }
        assertArrayEquals(expected, scored.get(i).probabilities(), TOLERANCE, pair.id());
      }
    }
  }

  @Test
  void smallBatchesGiveTheSame() {
    List<Scored> whole = scored(4096);
    List<Scored> cut = scored(200);
    for (int i = 0; i < whole.size(); i++) {
      assertArrayEquals(whole.get(i).probabilities(), cut.get(i).probabilities(), TOLERANCE);
    }
  }

  @Test
  void calibrationIsWhatTheServerReads() throws IOException {
    Path own = folder.resolve("calibrated");
    RandomModel.write(ModelShape.of("tiny"), own, 3, DType.BF16);
    ThresholdSweep sweep = ThresholdSweep.of(scored(4096), 4);
    Calibrator.write(own, .25);
    Calibrator.write(own, sweep.threshold());
    try (RelevanceModel calibrated = RelevanceModel.open(own)) {
      assertEquals(sweep.threshold(), calibrated.tierRule().threshold());
      assertEquals(model.labels(), calibrated.labels());
    }
    assertThrows(IllegalArgumentException.class, () -> Calibrator.write(own, 0));
  }
}
