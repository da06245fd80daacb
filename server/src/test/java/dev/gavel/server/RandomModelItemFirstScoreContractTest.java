package dev.gavel.server;

import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.relevance.RelevanceModel;
import java.nio.file.Files;
import org.junit.jupiter.api.BeforeAll;

/** The same with the item before the query, on the int8 path and in a pool that is soon full. */
class RandomModelItemFirstScoreContractTest extends RandomModelScoreContractTest {
  @BeforeAll
  static void putTheItemFirst() throws Exception {
    Files.writeString(
        directory.resolve("gavel.json"),
        """
        {"prompt": {"system": "You judge.", "user": "Product: {item}\\nQuery: {query}\\nFit?"}}
        """);
  }

  @Override
  Engine openEngine(RelevanceModel openModel) {
    return openModel.loadEngine(
        EngineOptions.defaults()
            .withThreads(1)
            .withQuantization(Quantization.INT8)
            .withBatchTokensMax(2048)
            .withBlocks(150));
  }
}
