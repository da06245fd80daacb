package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.ModelFormatException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds every tensor the engine needs in a checkpoint, checks it by the headers alone, and hands
 * the data over in the order of the files. Tensors that nobody needs (rotary buffers, a head that
 * is tied) are ignored.
 *
 * <p>Experts may lie one by one, or fused as {@code mlp.experts.gate_up_proj} [experts, 2 x inner,
 * hidden], gate above up, and {@code mlp.experts.down_proj} [experts, hidden, inner]; fused ones
 * are sliced.
 */
final class WeightLoader {
  private static final Pattern EXPERT =
      Pattern.compile("(.*\\.mlp\\.experts)\\.(\\d+)\\.(gate|up|down)_proj\\.weight");

  /** A needed tensor and the bytes of a stored one that are it. */
  private record Part(TensorSpec spec, TensorInfo stored, DType dtype, long offset, long bytes) {}

  private final Checkpoint checkpoint;
  private final ModelConfig config;
  private final List<Part> parts = new ArrayList<>();

  /**
   * Checks presence, type and shape of every tensor.
   *
   * @throws ModelFormatException for the first that does not fit {@code config}
   */
  WeightLoader(Checkpoint checkpoint, ModelConfig config) {
    this.checkpoint = checkpoint;
    this.config = config;
    for (TensorSpec spec : TensorSpec.of(config)) {
      parts.add(locate(spec));
    }
  }

  private Part locate(TensorSpec spec) {
    TensorInfo whole = checkpoint.find(spec.name());
    if (whole != null) {
      DType dtype = checked(whole, spec.shape());
      return new Part(spec, whole, dtype, 0, whole.bytes());
    }
    Matcher expert = EXPERT.matcher(spec.name());
    if (expert.matches()) {
      Part part = locateFused(spec, expert);
      if (part != null) {
        return part;
      }
    }
    throw new ModelFormatException(
        checkpoint.fileName(spec.name()),
        "tensor "
            + spec.name()
            + ": expected shape "
            + TensorInfo.text(spec.shape())
            + " (config.json), found no such tensor");
  }

  private Part locateFused(TensorSpec spec, Matcher name) {
    boolean down = name.group(3).equals("down");
    TensorInfo fused = checkpoint.find(name.group(1) + (down ? ".down_proj" : ".gate_up_proj"));
    if (fused == null) {
      return null;
    }
    long inner = config.expertIntermediate();
    long hidden = config.hidden();
    DType dtype =
        down
            ? checked(fused, config.experts(), hidden, inner)
            : checked(fused, config.experts(), 2 * inner, hidden);
    long bytes = inner * hidden * dtype.bytes();
    long matrix = Long.parseLong(name.group(2)) * (down ? 1 : 2);
    if (name.group(3).equals("up")) {
      matrix++;
    }
    return new Part(spec, fused, dtype, matrix * bytes, bytes);
  }

  private DType checked(TensorInfo stored, long... shape) {
    String file = checkpoint.fileName(stored.name());
    if (!Arrays.equals(stored.shape(), shape)) {
      throw new ModelFormatException(
          file,
          "tensor "
              + stored.name()
              + ": expected shape "
              + TensorInfo.text(shape)
              + " (config.json), found "
              + TensorInfo.text(stored.shape()));
    }
    return switch (stored.dtype()) {
      case "F32" -> DType.F32;
      case "F16" -> DType.F16;
      case "BF16" -> DType.BF16;
      default ->
          throw new ModelFormatException(
              file,
              "tensor " + stored.name() + ": expected F32, F16 or BF16, found " + stored.dtype());
    };
  }

  /** Hands every tensor to {@code builder}, file by file. */
  void load(EngineBuilder builder) {
    forEach(builder::tensor);
  }

  /** Hands every tensor to {@code sink}, file by file. */
  void forEach(Weights.Sink sink) {
    Map<String, List<Part>> byFile = new HashMap<>();
    for (Part part : parts) {
      String file = checkpoint.fileName(part.stored().name());
      byFile.computeIfAbsent(file, name -> new ArrayList<>()).add(part);
    }
    for (SafetensorsFile file : checkpoint.files()) {
      List<Part> inFile = byFile.getOrDefault(file.name(), List.of());
      inFile.sort(Comparator.comparingLong(part -> part.stored().begin() + part.offset()));
      try (SafetensorsFile.Data data = file.data()) {
        for (Part part : inFile) {
          sink.tensor(
              part.spec().name(),
              part.dtype(),
              part.spec().shape(),
              data.read(part.stored(), part.offset(), part.bytes()));
        }
      }
    }
  }

  /** Parameters of the model. */
  long parameters() {
    return parts.stream().mapToLong(part -> part.spec().elements()).sum();
  }

  /** The element types found, for example {@code [BF16]}. */
  List<DType> dtypes() {
    return parts.stream().map(Part::dtype).distinct().sorted().toList();
  }
}
