package dev.gavel.server;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The real tokenizer and the native engine, on a tiny model with random weights. */
class RandomModelScoreContractTest extends AbstractScoreContract {
  @TempDir static Path directory;

  @BeforeAll
  static void write() throws Exception {
    RandomModel.write(ModelShape.of("tiny"), directory, 20_250_812, DType.F32);
  }

  @Override
  RelevanceModel openModel() {
    return RelevanceModel.open(directory);
  }

  @Override
  Engine openEngine(RelevanceModel openModel) {
    return openModel.loadEngine(
        EngineOptions.defaults().withThreads(1).withBatchTokensMax(2048).withBlocks(256));
  }

  /** The fp32 path keeps equal bits wherever a pair is placed. */
  @Override
  double tolerance() {
    return 0;
  }
}
