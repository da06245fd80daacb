package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.model.Checkpoint;
import dev.gavel.relevance.model.Manifest;
import dev.gavel.relevance.model.SafetensorsWriter;
import dev.gavel.relevance.model.TensorInfo;
import dev.gavel.relevance.model.Weights;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Takes layers and tokens from a model. What is kept is kept bit by bit. */
public final class ModelPruner {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  /** Other forms of the tokenizer, which would disagree with the trimmed one. */
  private static final Set<String> OTHER_TOKENIZERS =
      Set.of("vocab.json", "merges.txt", "added_tokens.json");

  private final Path base;
  private final Path out;
  private final ModelConfig config;
  private final LayerPruning layers;
  private final TokenMap tokens; // null: all

  private ModelPruner(
      Path base, Path out, ModelConfig config, LayerPruning layers, TokenMap tokens) {
    this.base = base;
    this.out = out;
    this.config = config;
    this.layers = layers;
    this.tokens = tokens;
  }

  /**
   * Writes the smaller model.
   *
   * @param base a model directory with float weights; only read
   * @param out made if absent, empty otherwise
   * @throws ModelFormatException if {@code base} or a file of {@code spec} is not as expected
   * @throws IllegalArgumentException if {@code spec} asks for what the model does not have
   */
  public static PruneReport prune(Path base, Path out, PruneSpec spec) throws IOException {
    ModelConfig config = Weights.open(base).config();
    ObjectNode json = ModelFiles.read(base, ModelFiles.CONFIG);
    if (json.hasNonNull("quantization_config")) {
      throw new ModelFormatException(
          ModelFiles.CONFIG,
          "quantization_config: expected float weights (prune first, then quantize; gavel model"
              + " export makes floats), found quantized ones");
    }
    int[] kept =
        spec.layers() == null
            ? IntStream.range(0, config.layers()).toArray()
            : LayerList.parse(spec.layers(), config.layers());
    LayerPruning layers = new LayerPruning(kept);
    if (spec.tokensMax() == 0) {
      new ModelPruner(base, out, config, layers, null).write(json, spec.manifest());
      return new PruneReport(size(base), size(out), 0, 0);
    }
    try (Tokenizer tokenizer = Tokenizer.open(base)) {
      BytePairFile file = BytePairFile.read(base);
      TokenCounts counts = TokenCounts.of(tokenizer, spec.corpora());
      TokenMap tokens = tokens(base, config, spec, file, tokenizer, counts);
      new ModelPruner(base, out, config, layers, tokens).write(json, spec.manifest());
      writeTokenizer(file, tokens, out);
      long seen = IntStream.of(tokens.oldIds()).mapToLong(counts::count).sum();
      return new PruneReport(size(base), size(out), counts.total(), seen);
    }
  }

  private static TokenMap tokens(
      Path base,
      ModelConfig config,
      PruneSpec spec,
      BytePairFile file,
      Tokenizer tokenizer,
      TokenCounts counts) {
    VocabularyChoice choice = new VocabularyChoice(file);
    BitSet special = SpecialTokens.inUse(base, file.added());
    special.clear(config.vocabulary(), Math.max(config.vocabulary(), special.length()));
    choice.require(special);
    choice.requirePrompt(base);
    if (spec.manifest() != null) {
      Path manifest = spec.manifest().toAbsolutePath();
      choice.requireTexts(
          ModelFiles.read(manifest.getParent(), manifest.getFileName().toString()), tokenizer);
    }
    if (choice.required() > spec.tokensMax()) {
      throw new IllegalArgumentException(
          "vocabulary: expected at least the "
              + choice.required()
              + " tokens of bytes, special tokens, prompt and labels, found "
              + spec.tokensMax());
    }
    return choice.choose(counts, spec.tokensMax());
  }

  private static PruneReport.Size size(Path directory) throws IOException {
    Weights weights = Weights.open(directory);
    return new PruneReport.Size(
        weights.config().layers(),
        weights.config().vocabulary(),
        weights.parameters(),
        ModelFiles.bytes(directory));
  }

  private void write(ObjectNode json, Path manifest) throws IOException {
    ModelFiles.requireManifest(manifest);
    ModelFiles.prepare(out);
    ModelFiles.copyAllButWeights(base, out);
    if (manifest != null) {
      Files.copy(manifest, out.resolve(Manifest.FILE), StandardCopyOption.REPLACE_EXISTING);
    }
    if (layers.count() < config.layers()) {
      ModelFiles.dropGolden(out);
    }
    layers.rewrite(json, config);
    if (tokens != null) {
      json.put("vocab_size", tokens.size());
      TokenIds.replace(json, ModelFiles.CONFIG, tokens);
    }
    ModelFiles.write(out, ModelFiles.CONFIG, json);
    writeWeights();
  }

  private void writeWeights() throws IOException {
    Checkpoint checkpoint = Checkpoint.open(base);
    List<SafetensorsWriter.Tensor> planned = new ArrayList<>();
    for (TensorInfo info : checkpoint.tensors()) {
      if (isKept(info)) {
        planned.add(planned(info));
      }
    }
    try (SafetensorsWriter writer =
        new SafetensorsWriter(out.resolve(Checkpoint.SINGLE), planned, Map.of("format", "pt"))) {
      checkpoint.forEach(
          (info, data) -> {
            if (isKept(info)) {
              write(info, data, writer);
            }
          });
      writer.finish();
    }
  }

  private boolean isKept(TensorInfo info) {
    boolean tiedHead = config.tiedEmbeddings() && info.name().equals(HEAD);
    return !tiedHead && layers.rename(info.name()) != null;
  }

  private boolean hasTokenRows(TensorInfo info) {
    return tokens != null && (info.name().equals(EMBEDDING) || info.name().equals(HEAD));
  }

  private SafetensorsWriter.Tensor planned(TensorInfo info) {
    long[] shape = info.shape().clone();
    if (hasTokenRows(info)) {
      shape[0] = tokens.size();
    }
    return new SafetensorsWriter.Tensor(layers.rename(info.name()), info.dtype(), shape);
  }

  private void write(TensorInfo info, ByteBuffer data, SafetensorsWriter writer)
      throws IOException {
    if (!hasTokenRows(info)) {
      writer.write(data);
      return;
    }
    int row = (int) (info.bytes() / info.shape()[0]);
    for (int id : tokens.oldIds()) {
      writer.write(data.slice(id * row, row));
    }
  }

  private static void writeTokenizer(BytePairFile file, TokenMap tokens, Path out)
      throws IOException {
    ModelFiles.write(out, BytePairFile.NAME, file.trimmed(tokens));
    SpecialTokens.rewrite(out, file.added(), tokens);
    ModelFiles.delete(out, OTHER_TOKENIZERS);
    if (Files.exists(out.resolve(ModelFiles.GENERATION))) {
      ObjectNode generation = ModelFiles.read(out, ModelFiles.GENERATION);
      TokenIds.replace(generation, ModelFiles.GENERATION, tokens);
      ModelFiles.write(out, ModelFiles.GENERATION, generation);
    }
  }
}
