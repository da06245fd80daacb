package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.model.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The small files of a model directory. */
public final class ModelFiles {
  /** Configuration of the transformer. */
  static final String CONFIG = "config.json";

  /** Sampling and end tokens. */
  static final String GENERATION = "generation_config.json";

  /** Special tokens and an embedded chat template. */
  static final String TOKENIZER_CONFIG = "tokenizer_config.json";

  private ModelFiles() {}

  /**
   * Makes the directory of a result.
   *
   * @throws ModelFormatException if something lies there already
   */
  public static void prepare(Path out) throws IOException {
    Files.createDirectories(out);
    try (Stream<Path> files = Files.list(out)) {
      if (files.findAny().isPresent()) {
        throw new ModelFormatException(
            out.toString(), "expected a folder that is empty or not there, found files in it");
      }
    }
  }

  /** Copies all regular files but the weights. */
  public static void copyAllButWeights(Path base, Path out) throws IOException {
    try (Stream<Path> files = Files.list(base)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = file.getFileName().toString();
        if (!name.endsWith(".safetensors") && !name.endsWith(".safetensors.index.json")) {
          Path copy = out.resolve(name);
          Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
          copy.toFile().setWritable(true, true);
        }
      }
    }
  }

  /** Reads a file of the directory that holds one JSON object. */
  static ObjectNode read(Path directory, String name) {
    return (ObjectNode) JsonFile.read(directory.resolve(name)).node();
  }

  /** Reads the manifest that a result shall get, if not null: before anything is written. */
  static void requireManifest(Path file) {
    if (file != null) {
      JsonFile.read(file);
    }
  }

  static void write(Path directory, String name, JsonNode json) throws IOException {
    Files.writeString(directory.resolve(name), json.toPrettyString() + "\n");
  }

  /** Takes the known distributions from the manifest: those of a changed model are others. */
  static void dropGolden(Path directory) throws IOException {
    if (Files.exists(directory.resolve(Manifest.FILE))) {
      ObjectNode manifest = read(directory, Manifest.FILE);
      if (manifest.remove("golden") != null) {
        write(directory, Manifest.FILE, manifest);
      }
    }
  }

  /** Says in {@code config.json} of which type the weights are. */
  public static void putDtype(ObjectNode config, DType dtype) {
    config.put(
        config.has("torch_dtype") ? "torch_dtype" : "dtype",
        switch (dtype) {
          case F32 -> "float32";
          case F16 -> "float16";
          case BF16 -> "bfloat16";
        });
  }

  static void delete(Path directory, Set<String> names) throws IOException {
    for (String name : List.copyOf(names)) {
      Files.deleteIfExists(directory.resolve(name));
    }
  }

  /** Bytes of all regular files of a directory. */
  static long bytes(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }
}
