package dev.gavel.relevance.edit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TestModels;
import dev.gavel.relevance.model.Weights;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelPrunerTest {
  private static final long SEED = 20_240_601;

  @TempDir Path folder;
  private Path base;
  private Path out;

  @BeforeEach
  void paths() {
    base = folder.resolve("base");
    out = folder.resolve("out");
  }

  private static Map<String, byte[]> tensors(Path directory) {
    Map<String, byte[]> out = new HashMap<>();
    Weights.open(directory)
        .forEach(
            (name, dtype, shape, data) -> {
              byte[] bytes = new byte[data.remaining()];
              data.get(bytes);
              out.put(name, bytes);
            });
    return out;
  }

  private static PruneSpec layers(String text) {
    return new PruneSpec(text, 0, List.of(), null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-llama", "tiny-qwen2", "tiny-qwen3"})
  void keptLayersAreUnchangedUnderNewNumbers(String shape) throws IOException {
    TestModels.random(base, shape);
    PruneReport report = ModelPruner.prune(base, out, layers("1-1"));
    int count = Weights.open(base).config().layers();
    assertEquals(count, report.before().layers());
    assertEquals(1, report.after().layers());
    assertTrue(report.after().bytes() < report.before().bytes());
    Map<String, byte[]> old = tensors(base);
    Map<String, byte[]> pruned = tensors(out);
    old.keySet()
        .removeIf(name -> name.startsWith("model.layers.") && !name.startsWith("model.layers.1."));
    assertEquals(old.size(), pruned.size());
    old.forEach(
        (name, data) -> assertArrayEquals(data, pruned.get(name.replace("s.1.", "s.0.")), name));
    RelevanceModel.open(out).close();
  }

  /** Which layers are dense is said by a step and a list; after pruning, by the list alone. */
  @Test
  void sparseLayersStaySparse() throws IOException {
    TestModels.random(base, "qwen3-moe-tiny");
    var before = Weights.open(base).config();
    int last = before.layers() - 1;
    ModelPruner.prune(base, out, layers("0," + last));
    var after = Weights.open(out).config();
    assertEquals(before.isSparse(0), after.isSparse(0));
    assertEquals(before.isSparse(last), after.isSparse(1));
    assertEquals(1, ModelFiles.read(out, "config.json").get("decoder_sparse_step").asInt());
  }

  @Test
  void perLayerListsFollow() throws IOException {
    TestModels.random(base, "tiny");
    int count = Weights.open(base).config().layers();
    ObjectNode config = ModelFiles.read(base, "config.json");
    var types = config.putArray("layer_types");
    for (int i = 0; i < count; i++) {
      types.add("full_attention");
    }
    ModelFiles.write(base, "config.json", config);
    ModelPruner.prune(base, out, layers("1"));
    assertEquals(1, ModelFiles.read(out, "config.json").get("layer_types").size());
  }

  @Test
  void goldenDistributionsGoWithTheLayers() throws IOException {
    TestModels.random(base, "tiny");
    TestModels.put(
        base,
        "gavel.json",
        "{\"name\": \"judge\", \"golden\": [{\"query\": \"a\", \"item\": {\"title\": \"b\"},"
            + " \"distribution\": {\"4-Excellent\": 0.5}}]}");
    ModelPruner.prune(base, out, layers("1"));
    try (RelevanceModel model = RelevanceModel.open(out)) {
      assertEquals("judge", model.name());
      assertEquals(List.of(), model.golden());
    }
  }

  @Test
  void layersAreReadStrictly() {
    assertArrayEquals(new int[] {0, 1, 2}, LayerList.parse("3", 3));
    assertArrayEquals(new int[] {0, 1, 2, 7, 9}, LayerList.parse("0-2, 7,9-9", 10));
    assertArrayEquals(new int[] {2}, LayerList.parse("2-2", 3));
    for (String wrong : List.of("0", "4", "1,1", "2-1", "0-3", "a", "", "1,", "-1", "1,0")) {
      IllegalArgumentException error =
          assertThrows(IllegalArgumentException.class, () -> LayerList.parse(wrong, 3), wrong);
      assertTrue(error.getMessage().contains("expected"), error.getMessage());
    }
  }

  /** A tiny model whose tokenizer has learned words, and a corpus of them. */
  private Path trained(List<String> words) throws IOException {
    TestModels.random(base, "tiny");
    BytePairTrainer.train(base, words, 500, SEED);
    Path corpus = folder.resolve("corpus.jsonl");
    try (var writer = Files.newBufferedWriter(corpus)) {
      for (int i = 0; i + 3 < words.size(); i += 3) {
        writer.write(
            "{\"query\": \"%s\", \"title\": \"%s\", \"attributes\": {\"brand\": [\"%s\", 7]}}%n"
                .formatted(words.get(i), words.get(i + 1), words.get(i + 2)));
      }
    }
    return corpus;
  }

  @ParameterizedTest
  @ValueSource(ints = {330, 400, 470})
  void tokensOfKeptTextAreTheSameTokens(int size) throws IOException {
    List<String> words = BytePairTrainer.words(SEED, 600);
    Path corpus = trained(words);
    PruneReport report =
        ModelPruner.prune(base, out, new PruneSpec(null, size, List.of(corpus), null));
    assertEquals(size, report.after().vocabulary());
    assertTrue(report.corpusTokensKept() > 0 && report.corpusTokensKept() <= report.corpusTokens());
    try (Tokenizer before = Tokenizer.open(base);
        Tokenizer after = Tokenizer.open(out)) {
      int[] oldId = new int[size];
      Map<String, Integer> ids = vocabulary(base);
      vocabulary(out).forEach((piece, id) -> oldId[id] = ids.get(piece));
      assertArrayEquals(Arrays.stream(oldId).sorted().toArray(), oldId, "ids keep their order");
      int same = 0;
      Random random = new Random(SEED);
      for (int i = 0; i < 200; i++) {
        String text =
            random
                .ints(1 + random.nextInt(5), 0, words.size())
                .mapToObj(words::get)
                .collect(Collectors.joining(" "));
        int[] expected = before.encode(text);
        int[] found = Arrays.stream(after.encode(text)).map(id -> oldId[id]).toArray();
        if (Arrays.stream(expected).allMatch(id -> Arrays.binarySearch(oldId, id) >= 0)) {
          assertArrayEquals(expected, found, text);
          same++;
        }
        assertEquals(text, after.decode(after.encode(text)));
      }
      assertTrue(same > 0, "some texts are kept whole");
    }
  }

  @Test
  void anyTextComesBack() throws IOException {
    Path corpus = trained(BytePairTrainer.words(SEED, 200));
    ModelPruner.prune(base, out, new PruneSpec("1", 350, List.of(corpus), null));
    try (Tokenizer after = Tokenizer.open(out)) {
      for (String text :
          List.of("", "红色跑鞋", "👟👨‍👩‍👧", "naïve ½ \u202e\u0000", "a\n\n  b\t", "<|im_end|>")) {
        assertEquals(text, after.decode(after.encode(text)));
      }
      assertEquals(1, after.encode("<|im_end|>").length);
    }
  }

  @Test
  void rowsOfTheEmbeddingFollowTheirTokens() throws IOException {
    Path corpus = trained(BytePairTrainer.words(SEED, 200));
    ModelPruner.prune(base, out, new PruneSpec(null, 380, List.of(corpus), null));
    Map<String, Integer> old = vocabulary(base);
    Map<String, byte[]> before = tensors(base);
    Map<String, byte[]> after = tensors(out);
    String name = "model.embed_tokens.weight";
    int row = 2 * Weights.open(base).config().hidden();
    assertEquals(380 * row, after.get(name).length);
    vocabulary(out)
        .forEach(
            (piece, id) ->
                assertEquals(
                    ByteBuffer.wrap(before.get(name), old.get(piece) * row, row).slice(),
                    ByteBuffer.wrap(after.get(name), id * row, row).slice(),
                    piece));
    before.remove(name);
    after.remove(name);
    assertEquals(before.keySet(), after.keySet());
    before.forEach((other, data) -> assertArrayEquals(data, after.get(other), other));
  }

  private static Map<String, Integer> vocabulary(Path directory) {
    Map<String, Integer> out = new HashMap<>();
    ObjectNode json = ModelFiles.read(directory, "tokenizer.json");
    json.path("model")
        .path("vocab")
        .properties()
        .forEach(entry -> out.put(entry.getKey(), entry.getValue().asInt()));
    json.path("added_tokens")
        .forEach(token -> out.put(token.get("content").asText(), token.get("id").asInt()));
    return out;
  }

  /** Added tokens beyond the vocabulary as Qwen has them, some of them of no use to anybody. */
  @Test
  void addedTokensInUseStayAndAreRenumberedEverywhere() throws IOException {
    Path corpus = trained(BytePairTrainer.words(SEED, 200));
    addTokens();
    ModelPruner.prune(base, out, new PruneSpec(null, 340, List.of(corpus), null));
    Map<String, Integer> ids = vocabulary(out);
    assertFalse(ids.containsKey("<|unused|>"));
    assertEquals(340, new TreeSet<>(ids.values()).last() + 1);
    ObjectNode config = ModelFiles.read(out, "config.json");
    assertEquals(ids.get("<|im_end|>"), config.get("eos_token_id").asInt());
    assertTrue(config.get("decoder_start_token_id").isNull(), "was beyond the vocabulary");
    ObjectNode generation = ModelFiles.read(out, "generation_config.json");
    assertEquals(
        List.of(ids.get("<|im_end|>"), ids.get("<|stop|>")),
        new ArrayList<>(
            List.of(
                generation.get("eos_token_id").get(0).asInt(),
                generation.get("eos_token_id").get(1).asInt())));
    assertEquals("[]", generation.get("suppress_tokens").toString());
    ObjectNode tokenizer = ModelFiles.read(out, "tokenizer.json");
    assertEquals(
        ids.get("<|stop|>"), tokenizer.at("/post_processor/special_tokens/<|stop|>/ids/0").asInt());
    ObjectNode names = ModelFiles.read(out, "tokenizer_config.json");
    assertEquals("[\"<|stop|>\"]", names.get("additional_special_tokens").toString());
    assertEquals(1, names.get("added_tokens_decoder").size());
    assertTrue(names.get("added_tokens_decoder").has(ids.get("<|stop|>").toString()));
    assertFalse(Files.exists(out.resolve("merges.txt")));
  }

  private void addTokens() throws IOException {
    ObjectNode tokenizer = ModelFiles.read(base, "tokenizer.json");
    var added = (com.fasterxml.jackson.databind.node.ArrayNode) tokenizer.get("added_tokens");
    for (String content : List.of("<|unused|>", "<|stop|>")) {
      ObjectNode token = added.get(0).deepCopy();
      added.add(token.put("content", content).put("id", 500 + added.size() - 3));
    }
    ObjectNode processor = tokenizer.putObject("post_processor").put("type", "TemplateProcessing");
    processor.putArray("single").addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    processor.putArray("pair");
    ObjectNode special = processor.putObject("special_tokens").putObject("<|stop|>");
    special.put("id", "<|stop|>").putArray("ids").add(501);
    special.putArray("tokens").add("<|stop|>");
    ModelFiles.write(base, "tokenizer.json", tokenizer);
    ObjectNode config = ModelFiles.read(base, "config.json");
    config.put("decoder_start_token_id", 511 + 1000);
    ModelFiles.write(base, "config.json", config);
    ObjectNode generation = ModelFiles.read(base, "generation_config.json");
    generation.putArray("eos_token_id").add(2).add(501);
    generation.putArray("suppress_tokens").add(500);
    ModelFiles.write(base, "generation_config.json", generation);
    ObjectNode names = ModelFiles.read(base, "tokenizer_config.json");
    names.putArray("additional_special_tokens").add("<|unused|>").add("<|stop|>");
    ObjectNode decoder = names.putObject("added_tokens_decoder");
    decoder.putObject("500").put("content", "<|unused|>");
    decoder.putObject("501").put("content", "<|stop|>");
    ModelFiles.write(base, "tokenizer_config.json", names);
    TestModels.put(base, "merges.txt", "a b\n");
  }

  /** Tokens of a manifest's texts stay although no corpus has them. */
  @Test
  void textsOfTheManifestStayTokens() throws IOException {
    Path corpus = folder.resolve("corpus.jsonl");
    TestModels.random(base, "tiny");
    Files.writeString(corpus, "{\"query\": \"a\"}\n\n");
    Path manifest = folder.resolve("other.json");
    Files.writeString(manifest, "{\"prompt\": {\"user\": \"{query} running for women: {item}\"}}");
    ModelPruner.prune(base, out, new PruneSpec(null, 420, List.of(corpus), manifest));
    assertEquals(Files.readString(manifest), Files.readString(out.resolve("gavel.json")));
    Map<String, Integer> ids = vocabulary(out);
    assertTrue(ids.containsKey("Ġrunning") && ids.containsKey("Ġwomen"), ids.toString());
    assertFalse(ids.containsKey("Ġblack"));
    try (Tokenizer tokenizer = Tokenizer.open(out)) {
      assertEquals(3, tokenizer.encode(" running for women").length);
    }
  }

  @Test
  void whatCannotBePrunedIsRefused() throws IOException {
    Path corpus = trained(BytePairTrainer.words(SEED, 200));
    IllegalArgumentException small =
        assertThrows(
            IllegalArgumentException.class,
            () -> ModelPruner.prune(base, out, new PruneSpec(null, 100, List.of(corpus), null)));
    assertTrue(small.getMessage().contains("expected at least the"), small.getMessage());
    assertFalse(Files.exists(out), "nothing is left behind");
    ModelFormatException taken =
        assertThrows(ModelFormatException.class, () -> ModelPruner.prune(base, base, layers("1")));
    assertTrue(taken.getMessage().contains("expected a folder that is empty"));
    Files.writeString(corpus, "{\"query\": \"a\"}\n{\"query\": 7}\n");
    Path other = folder.resolve("other");
    ModelFormatException line =
        assertThrows(
            ModelFormatException.class,
            () -> ModelPruner.prune(base, other, new PruneSpec(null, 400, List.of(corpus), null)));
    assertTrue(line.getMessage().contains("line 2: query: expected a string, found 7"));
    TestModels.edit(base, "tokenizer.json", "\"BPE\"", "\"WordLevel\"");
    Path third = folder.resolve("third");
    ModelFormatException kind =
        assertThrows(
            ModelFormatException.class,
            () -> ModelPruner.prune(base, third, new PruneSpec(null, 400, List.of(corpus), null)));
    assertTrue(kind.getMessage().contains("tokenizer.json"), kind.getMessage());
  }
}
