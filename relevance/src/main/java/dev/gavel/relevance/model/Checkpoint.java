package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.UnreadableFile;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All tensors of a model directory: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names.
 */
public final class Checkpoint {
  /** Takes stored tensors as they lie in the files. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * One tensor.
     *
     * @param data direct, row-major, little-endian; valid during the call only
     */
    void tensor(TensorInfo info, ByteBuffer data) throws IOException;
  }

  /** Name of the one file. */
  public static final String SINGLE = "model.safetensors";

  /** Name of the file that lists the shards. */
  public static final String INDEX = "model.safetensors.index.json";

  private final List<SafetensorsFile> files;
  private final Map<String, SafetensorsFile> fileOf = new HashMap<>();

  private Checkpoint(List<SafetensorsFile> files) {
    this.files = List.copyOf(files);
    for (SafetensorsFile file : files) {
      for (String tensor : file.tensors().keySet()) {
        SafetensorsFile other = fileOf.putIfAbsent(tensor, file);
        if (other != null) {
          throw new ModelFormatException(
              file.name(),
              "tensor " + tensor + ": expected in one file, found also in " + other.name());
        }
      }
    }
  }

  /**
   * Opens the headers.
   *
   * @throws ModelFormatException if a file is absent or malformed
   */
  public static Checkpoint open(Path directory) {
    Path single = directory.resolve(SINGLE);
    Path index = directory.resolve(INDEX);
    if (Files.exists(single) || !Files.exists(index)) {
      if (!Files.exists(single)) {
        throw new ModelFormatException(
            SINGLE, "expected it or " + INDEX + " in " + directory + ", found neither");
      }
      return new Checkpoint(List.of(SafetensorsFile.open(single)));
    }
    return sharded(directory, JsonFile.read(index));
  }

  private static Checkpoint sharded(Path directory, JsonObject index) {
    JsonObject map = index.object("weight_map");
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    for (String tensor : map.keys()) {
      String shard = map.string(tensor);
      if (!shard.matches("[A-Za-z0-9][A-Za-z0-9._-]*")) {
        throw map.wrong(tensor, "the name of a file in the directory", shard);
      }
      SafetensorsFile file =
          shards.computeIfAbsent(shard, name -> SafetensorsFile.open(directory.resolve(name)));
      if (!file.tensors().containsKey(tensor)) {
        throw new ModelFormatException(
            shard, "tensor " + tensor + ": expected as in " + INDEX + ", found nothing");
      }
    }
    return new Checkpoint(new ArrayList<>(shards.values()));
  }

  List<SafetensorsFile> files() {
    return files;
  }

  /** All stored tensors, in the order of the files. */
  public List<TensorInfo> tensors() {
    return files.stream().flatMap(file -> file.tensors().values().stream()).toList();
  }

  /** Hands the data of all stored tensors to {@code visitor}, in the order of {@link #tensors}. */
  public void forEach(Visitor visitor) throws IOException {
    for (SafetensorsFile file : files) {
      try (SafetensorsFile.Data data = file.data()) {
        for (TensorInfo info : file.tensors().values()) {
          visitor.tensor(info, data.read(info));
        }
      }
    }
  }

  /** The tensor's place, or null if there is none of that name. */
  public TensorInfo find(String tensor) {
    SafetensorsFile file = fileOf.get(tensor);
    return file == null ? null : file.tensors().get(tensor);
  }

  /** The file of a tensor that {@link #find} gave. */
  SafetensorsFile file(TensorInfo tensor) {
    return fileOf.get(tensor.name());
  }

  /** The type of a tensor that should be of floats. */
  static DType floatType(String file, TensorInfo tensor) {
    return switch (tensor.dtype()) {
      case "F32" -> DType.F32;
      case "F16" -> DType.F16;
      case "BF16" -> DType.BF16;
      default ->
          throw new ModelFormatException(
              file,
              "tensor " + tensor.name() + ": expected F32, F16 or BF16, found " + tensor.dtype());
    };
  }

  /** The name of the file that holds the tensor, or of the checkpoint where none does. */
  String fileName(String tensor) {
    SafetensorsFile file = fileOf.get(tensor);
    return file != null ? file.name() : files.size() == 1 ? files.get(0).name() : INDEX;
  }

  /** Bytes of all files. */
  public long bytes() {
    return files.stream().mapToLong(SafetensorsFile::size).sum();
  }

  /** A short fingerprint of size, header and time of change of every file. */
  String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (SafetensorsFile file : files) {
        digest.update(file.header());
        String stamp = file.size() + " " + Files.getLastModifiedTime(file.path()).toMillis();
        digest.update(stamp.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 6);
    } catch (IOException e) {
      throw new ModelFormatException(
          files.get(0).name(),
          "expected a readable file, found " + UnreadableFile.found(files.get(0).path(), e),
          e);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java runtime has SHA-256", e);
    }
  }
}
