package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.ModelConfig;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Configuration and weights of a directory, verified, without tokenizer and prompt. */
public final class Weights {
  /** Takes tensors; see {@link EngineBuilder#tensor}. */
  @FunctionalInterface
  public interface Sink {
    /**
     * One tensor by its Hugging Face name.
     *
     * @param data direct, row-major, little-endian; valid during the call only
     */
    void tensor(String name, DType dtype, long[] shape, ByteBuffer data);
  }

  private final ModelConfig config;
  private final WeightLoader loader;

  private Weights(ModelConfig config, WeightLoader loader) {
    this.config = config;
    this.loader = loader;
  }

  /**
   * Reads {@code config.json} and the headers.
   *
   * @throws dev.gavel.relevance.ModelFormatException naming the file, what was expected and what
   *     was found
   */
  public static Weights open(Path directory) {
    ModelConfig config = ConfigReader.read(directory);
    return new Weights(
        config,
        new WeightLoader(Checkpoint.open(directory), config, StoredQuantization.read(directory)));
  }

  public ModelConfig config() {
    return config;
  }

  /** Parameters of the model. */
  public long parameters() {
    return loader.parameters();
  }

  /** The element types that are handed over; quantized matrices become floats. */
  public List<DType> dtypes() {
    return loader.dtypes();
  }

  /** Parameters by how they are stored, for example {@code BF16} or {@code int4, groups of 32}. */
  public Map<String, Long> storage() {
    return loader.storage();
  }

  /** Name and shape of every tensor, in the order of {@link #forEach}. */
  public Map<String, long[]> tensors() {
    Map<String, long[]> out = new LinkedHashMap<>();
    loader.specs().forEach(spec -> out.put(spec.name(), spec.shape()));
    return out;
  }

  /** The element type of every tensor as it is handed over. */
  public Map<String, DType> dtypesByName() {
    return loader.dtypesByName();
  }

  /** Hands every tensor to {@code sink}, in the order of the files; experts one by one. */
  public void forEach(Sink sink) {
    loader.forEach(sink);
  }

  /** Name and shape of every tensor of a model, embedding first, then layer by layer. */
  public static Map<String, long[]> shapes(ModelConfig config) {
    Map<String, long[]> out = new LinkedHashMap<>();
    TensorSpec.of(config).forEach(spec -> out.put(spec.name(), spec.shape()));
    return out;
  }
}
