package dev.gavel.relevance;

import dev.gavel.engine.DType;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Model directories for tests. */
public final class TestModels {
  private TestModels() {}

  /** Writes a random model into {@code directory}. */
  public static Path random(Path directory, String shape) {
    try {
      RandomModel.write(ModelShape.of(shape), directory, 7, DType.BF16);
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The tiny shape with another vocabulary. */
  public static ModelShape tinyWithVocabulary(int vocabulary) {
    ModelConfig tiny = ModelShape.of("tiny").config();
    return new ModelShape(
        "tiny-" + vocabulary,
        new ModelConfig(
            tiny.architecture(),
            vocabulary,
            tiny.hidden(),
            tiny.layers(),
            tiny.heads(),
            tiny.kvHeads(),
            tiny.headDim(),
            tiny.intermediate(),
            tiny.maxPositions(),
            tiny.ropeTheta(),
            tiny.ropeScaling(),
            tiny.rmsEpsilon(),
            tiny.qkvBias(),
            tiny.qkNorm(),
            tiny.tiedEmbeddings(),
            tiny.experts(),
            tiny.expertsPerToken(),
            tiny.expertIntermediate(),
            tiny.normalizeExperts(),
            tiny.denseLayers()));
  }

  /**
   * The folder with configuration and tokenizer of the real SmolLM2-135M-Instruct; the test is
   * skipped where it is absent.
   */
  public static Path smolLm2() {
    Path module = Path.of(System.getProperty("basedir", "")).toAbsolutePath();
    Path found = module.resolve("../../shared/models/smollm2-135m-instruct").normalize();
    Assumptions.assumeTrue(Files.exists(found.resolve("tokenizer.json")), "no model at " + found);
    return found;
  }

  /** Replaces text in a file of a model directory. */
  public static void edit(Path directory, String file, String from, String to) {
    try {
      String text = Files.readString(directory.resolve(file));
      if (!text.contains(from)) {
        throw new AssertionError(file + " has no " + from);
      }
      Files.writeString(directory.resolve(file), text.replace(from, to));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a file of a model directory. */
  public static void put(Path directory, String file, String text) {
    try {
      Files.writeString(directory.resolve(file), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
