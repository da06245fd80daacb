package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.ModelFormatException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds every tensor the engine needs in a checkpoint, checks it by the headers alone, and hands
 * the data over in the order of the files. Tensors that nobody needs (rotary buffers, a head that
 * is tied) are ignored. Matrices of integers become floats of their scales' type as they are handed
 * over, one at a time.
 *
 * <p>Experts may lie one by one, or fused as {@code mlp.experts.gate_up_proj} [experts, 2 x inner,
 * hidden], gate above up, and {@code mlp.experts.down_proj} [experts, hidden, inner]; fused ones
 * are sliced.
 */
final class WeightLoader {
  private static final Pattern EXPERT =
      Pattern.compile("(.*\\.mlp\\.experts)\\.(\\d+)\\.(gate|up|down)_proj\\.weight");

  /**
   * A needed tensor.
   *
   * @param at first byte of its data in the file of {@code stored}
   * @param storage how it is stored, for people
   */
  private record Part(
      TensorSpec spec, TensorInfo stored, long at, DType dtype, String storage, Reader reader) {}

  /** Makes a tensor's data of those of the file that it is stored in. */
  private interface Reader {
    ByteBuffer read(SafetensorsFile.Data data);
  }

  private final Checkpoint checkpoint;
  private final ModelConfig config;
  private final StoredQuantization quantization;
  private final Map<SafetensorsFile, List<Part>> parts = new LinkedHashMap<>(); // as they lie

  /** As the other constructor, for a checkpoint of floats. */
  WeightLoader(Checkpoint checkpoint, ModelConfig config) {
    this(checkpoint, config, StoredQuantization.NONE);
  }

  /**
   * Checks presence, type and shape of every tensor.
   *
   * @throws ModelFormatException for the first that does not fit {@code config}
   */
  WeightLoader(Checkpoint checkpoint, ModelConfig config, StoredQuantization quantization) {
    this.checkpoint = checkpoint;
    this.config = config;
    this.quantization = quantization;
    checkpoint.files().forEach(file -> parts.put(file, new ArrayList<>()));
    for (TensorSpec spec : TensorSpec.of(config)) {
      Part part = locate(spec);
      parts.get(checkpoint.file(part.stored())).add(part);
    }
    parts.values().forEach(list -> list.sort(Comparator.comparingLong(Part::at)));
  }

  private Part locate(TensorSpec spec) {
    TensorInfo whole = checkpoint.find(spec.name());
    QuantizedTensor quantized = new QuantizedFinder(checkpoint, quantization).find(spec);
    if (quantized != null) {
      return new Part(
          spec,
          quantized.values(),
          quantized.values().begin(),
          quantized.dtype(),
          quantized.scheme().toString(),
          data -> read(quantized, data));
    }
    if (whole != null) {
      return floats(spec, whole, checked(whole, spec.shape()), 0, whole.bytes());
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
    return floats(spec, fused, dtype, matrix * bytes, bytes);
  }

  private static Part floats(
      TensorSpec spec, TensorInfo stored, DType dtype, long offset, long bytes) {
    return new Part(
        spec,
        stored,
        stored.begin() + offset,
        dtype,
        dtype.name(),
        data -> data.read(stored, offset, bytes));
  }

  private ByteBuffer read(QuantizedTensor tensor, SafetensorsFile.Data data) {
    ByteBuffer values = data.read(tensor.values());
    SafetensorsFile scales = checkpoint.file(tensor.scales());
    if (scales == checkpoint.file(tensor.values())) {
      return tensor.decode(values, data.read(tensor.scales()));
    }
    try (SafetensorsFile.Data other = scales.data()) {
      return tensor.decode(values, other.read(tensor.scales()));
    }
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
    return Checkpoint.floatType(file, stored);
  }

  /** Hands every tensor to {@code builder}, file by file. */
  void load(EngineBuilder builder) {
    forEach(builder::tensor);
  }

  /** Hands every tensor to {@code sink}, file by file. */
  void forEach(Weights.Sink sink) {
    parts.forEach(
        (file, inFile) -> {
          try (SafetensorsFile.Data data = file.data()) {
            for (Part part : inFile) {
              sink.tensor(
                  part.spec().name(), part.dtype(), part.spec().shape(), part.reader().read(data));
            }
          }
        });
  }

  private Stream<Part> all() {
    return parts.values().stream().flatMap(List::stream);
  }

  /** The tensors in the order of {@link #forEach}. */
  List<TensorSpec> specs() {
    return all().map(Part::spec).toList();
  }

  /** Parameters of the model. */
  long parameters() {
    return all().mapToLong(part -> part.spec().elements()).sum();
  }

  /** The element types handed over, for example {@code [BF16]}. */
  List<DType> dtypes() {
    return all().map(Part::dtype).distinct().sorted().toList();
  }

  /** The element type of every tensor as it is handed over. */
  Map<String, DType> dtypesByName() {
    return all().collect(Collectors.toMap(part -> part.spec().name(), Part::dtype));
  }

  /** Parameters by how they are stored, for example {@code BF16}. */
  Map<String, Long> storage() {
    Map<String, Long> out = new TreeMap<>();
    all().forEach(part -> out.merge(part.storage(), part.spec().elements(), Long::sum));
    return out;
  }
}
