package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ManifestWriter;
import dev.gavel.relevance.model.ModelDirectory;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.ModelWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Writes what a stage has made: {@code model/} in its folder, complete or not at all. */
public final class ModelOutput {
  private static final String NAME = "model";

  private ModelOutput() {}

  /** The folder of a run's result. */
  public static Path of(Path home) {
    return home.resolve(NAME);
  }

  /**
   * Writes weights, tokenizer and a whole {@code gavel.json}: the base's words and threshold, and
   * what is known of the new weights. A base without a name gets that of the run.
   *
   * @param origin added to the provenance
   */
  public static void write(
      CausalLm model, Path base, Path home, DType dtype, Map<String, String> origin)
      throws IOException {
    Path partial = home.resolve(NAME + ".partial");
    ModelWriter.write(model, base, partial, dtype);
    String run = home.toAbsolutePath().normalize().getFileName().toString();
    ManifestWriter.write(ModelDirectory.manifest(base).forNewWeights(run, origin), partial);
    Files.move(partial, of(home));
  }
}
