package dev.gavel.training.sft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.evaluation.EngineScorer;
import dev.gavel.training.evaluation.Scored;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelScorerTest {
  /** Two fp32 computations of a small model in different order; probabilities are below 1. */
  private static final double TOLERANCE = 1e-4;

  @TempDir Path folder;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  private static List<Judgment> pairs() {
    List<Judgment> out = new ArrayList<>();
    for (int i = 0; i < 11; i++) {
      Item item = new Item("", "", "shoes " + "red ".repeat(i % 4) + i, "", List.of());
      out.add(Judgment.graded("p" + i, "query " + i % 3, item, i % 2));
    }
    return out;
  }

  /** Forms of one token and of several, of the same label too. */
  @Test
  void agreesWithTheEngineWhateverTheFormsAre() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), folder, 9, DType.F32);
    Files.writeString(
        folder.resolve("gavel.json"),
        """
        {"labels": [
          {"name": "fits", "grade": 1, "surface_forms": ["Y", "Surely yes", "y"], "tier": "GOOD"},
          {"name": "not", "grade": 0, "surface_forms": ["Not at all", "N"], "tier": "BAD"}]}
        """);
    EngineOptions options = EngineOptions.defaults().withThreads(1).withBlocks(64);
    try (RelevanceModel model = RelevanceModel.open(folder);
        EngineScorer engine = new EngineScorer(model, options);
        CausalLm trained = CausalLm.load(folder)) {
      List<Scored> expected = engine.score(pairs());
      LabelScorer scorer = new LabelScorer(model, pairs());
      for (int microTokens : new int[] {1, 500, 100_000}) {
        List<Scored> found = scorer.score(trained, microTokens);
        for (int i = 0; i < expected.size(); i++) {
          assertEquals(expected.get(i).id(), found.get(i).id());
          assertEquals(expected.get(i).truth(), found.get(i).truth());
          assertArrayEquals(
              expected.get(i).probabilities(), found.get(i).probabilities(), TOLERANCE);
        }
      }
    }
  }
}
