package dev.gavel.relevance.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import dev.gavel.relevance.prompt.ChatTemplate;
import dev.gavel.relevance.tokenizer.EndTokens;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Opens model directories. */
public final class ModelDirectory {
  private ModelDirectory() {}

  /** See {@link RelevanceModel#open}. */
  public static RelevanceModel open(Path directory) {
    return openModel(directory);
  }

  /**
   * The manifest of a directory, with defaults in place of what it leaves out.
   *
   * @throws ModelFormatException naming the file, what was expected and what was found
   */
  public static Manifest manifest(Path directory) {
    return manifest(directory, ChatTemplate.open(directory));
  }

  /** Describes a directory, which is opened and verified for that. */
  public static ModelInspection inspect(Path directory) {
    try (OpenModel model = openModel(directory)) {
      return ModelInspection.of(model);
    }
  }

  static OpenModel openModel(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw new ModelFormatException(
          directory.toString(),
          "expected a model directory, found " + (Files.exists(directory) ? "a file" : "nothing"));
    }
    ModelConfig config = ConfigReader.read(directory);
    Checkpoint checkpoint = Checkpoint.open(directory);
    WeightLoader weights = new WeightLoader(checkpoint, config, StoredQuantization.read(directory));
    ChatTemplate template = ChatTemplate.open(directory);
    Manifest manifest = manifest(directory, template);
    Tokenizer tokenizer = Tokenizer.open(directory);
    try {
      if (tokenizer.size() > config.vocabulary()) {
        throw new ModelFormatException(
            "tokenizer.json",
            "expected token ids below vocab_size "
                + config.vocabulary()
                + " (config.json), found "
                + (tokenizer.size() - 1));
      }
      Set<Integer> endTokens = endTokens(directory, tokenizer);
      return new OpenModel(
          directory, config, checkpoint, weights, template, manifest, tokenizer, endTokens);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /** The manifest, with the sampling of {@code generation_config.json} where it has none. */
  private static Manifest manifest(Path directory, ChatTemplate template) {
    Manifest defaults = DefaultManifest.of(template);
    Path generation = directory.resolve("generation_config.json");
    if (Files.exists(generation)) {
      JsonObject json = JsonFile.read(generation);
      if (json.bool("do_sample", false)) {
        defaults =
            new Manifest(
                defaults.name(),
                defaults.version(),
                defaults.prompt(),
                defaults.labels(),
                defaults.tierThreshold(),
                defaults.limits(),
                ManifestReader.decoding(json, defaults.decoding()),
                defaults.order(),
                defaults.provenance(),
                defaults.golden());
      }
    }
    Path file = directory.resolve(Manifest.FILE);
    return Files.exists(file) ? ManifestReader.parse(JsonFile.read(file), defaults) : defaults;
  }

  private static Set<Integer> endTokens(Path directory, Tokenizer tokenizer) {
    List<JsonObject> files = new ArrayList<>();
    for (String name : List.of("generation_config.json", "config.json", "tokenizer_config.json")) {
      if (Files.exists(directory.resolve(name))) {
        files.add(JsonFile.read(directory.resolve(name)));
      }
    }
    return EndTokens.of(tokenizer, files);
  }
}
