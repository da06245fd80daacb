package dev.gavel.training.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.edit.ModelPruner;
import dev.gavel.relevance.edit.ModelQuantizer;
import dev.gavel.relevance.edit.PruneSpec;
import dev.gavel.relevance.edit.QuantizeSpec;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.relevance.model.Weights;
import dev.gavel.relevance.tokenizer.Tokenizer;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that were pruned or quantized, as the trainer sees them. */
class EditedModelTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir Path folder;
  private Path base;
  private Path out;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  @BeforeEach
  void write() throws IOException {
    base = folder.resolve("base");
    out = folder.resolve("out");
    RandomModel.write(ModelShape.of("tiny"), base, 11, DType.F32);
  }

  /** Logits behind the last token. */
  private static double[] logits(Path directory, int[] tokens) {
    try (CausalLm model = CausalLm.load(directory);
        PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      PackedBatch batch = PackedBatch.of(List.of(PackedBatch.Sequence.of(tokens, new int[0])));
      return Torch.doubles(model.logits(batch).narrow(0, tokens.length - 1, 1));
    }
  }

  private static JsonNode vocabulary(Path directory) throws IOException {
    return MAPPER.readTree(directory.resolve("tokenizer.json").toFile()).at("/model/vocab");
  }

  @Test
  void logitsOfKeptTokensAreThoseOfTheWholeModel() throws IOException {
    Path corpus = folder.resolve("corpus.jsonl");
    String text = "blue running shoes for men";
    Files.writeString(corpus, "{\"query\": \"" + text + "\"}\n");
    ModelPruner.prune(base, out, new PruneSpec(null, 380, List.of(corpus), null));
    try (Tokenizer before = Tokenizer.open(base);
        Tokenizer after = Tokenizer.open(out)) {
      double[] whole = logits(base, before.encode(text));
      double[] trimmed = logits(out, after.encode(text));
      assertTrue(trimmed.length < whole.length);
      JsonNode old = vocabulary(base);
      for (Map.Entry<String, JsonNode> piece : vocabulary(out).properties()) {
        // The matrix product may add in another order: 64 terms of fp32.
        double expected = whole[old.get(piece.getKey()).asInt()];
        assertEquals(expected, trimmed[piece.getValue().asInt()], 64 * 0x1p-23, piece.getKey());
      }
    }
  }

  @Test
  void aQuantizedBaseIsTrainedAndWrittenAsFloats() throws IOException {
    ModelQuantizer.quantize(base, out, new QuantizeSpec(4, 32, 8, Map.of()));
    Path written = folder.resolve("written");
    try (CausalLm model = CausalLm.load(out)) {
      ModelWriter.write(model, out, written, DType.F32);
    }
    JsonNode config = MAPPER.readTree(written.resolve("config.json").toFile());
    assertFalse(config.has("quantization_config"));
    assertEquals(Map.of("F32", Weights.open(out).parameters()), Weights.open(written).storage());
    int[] tokens = {3, 77, 300, 5};
    assertArrayEquals(logits(out, tokens), logits(written, tokens), 0);
  }
}
