package dev.gavel.training.model;

import dev.gavel.engine.DType;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InputArchive;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.OutputArchive;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Named weights that live until they are closed, in the order of the layers. */
public final class Parameters implements AutoCloseable {
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();

  Parameters() {}

  /**
   * Loads a directory's weights.
   *
   * @param type of the weights in memory, fp32 for training
   */
  static Parameters load(Weights weights, ScalarType type) {
    Torch.load();
    Map<String, Tensor> loaded = new LinkedHashMap<>();
    Weights.shapes(weights.config()).keySet().forEach(name -> loaded.put(name, null));
    weights.forEach(
        (name, dtype, shape, data) -> loaded.put(name, tensor(dtype, shape, data, type)));
    Parameters out = new Parameters();
    out.tensors.putAll(loaded);
    return out;
  }

  /** Loads a directory. */
  static Parameters load(Path directory, ScalarType type) {
    return load(Weights.open(directory), type);
  }

  private static Tensor tensor(DType dtype, long[] shape, ByteBuffer data, ScalarType type) {
    // The buffer is a window of a file: it is copied, as it may not be aligned and will go.
    return Torch.lasting(
        () -> {
          long[] size = {data.remaining()};
          Tensor bytes = torch.zeros(size, new TensorOptions(ScalarType.Byte));
          new BytePointer(bytes.data_ptr()).capacity(size[0]).asByteBuffer().put(data.duplicate());
          Tensor stored = bytes.view(scalarType(dtype)).view(shape);
          return stored.to(type, false, true, new MemoryFormatOptional());
        });
  }

  static ScalarType scalarType(DType dtype) {
    return switch (dtype) {
      case F32 -> ScalarType.Float;
      case F16 -> ScalarType.Half;
      case BF16 -> ScalarType.BFloat16;
    };
  }

  /** Adds a tensor that this object will close. */
  void put(String name, Tensor tensor) {
    if (tensors.putIfAbsent(name, tensor) != null) {
      throw new IllegalArgumentException("parameter " + name + ": expected once, found twice");
    }
  }

  /**
   * The tensor of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Tensor get(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("parameter " + name + ": expected, found none");
    }
    return tensor;
  }

  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /** All of them, by name, in order; a live view. */
  public Map<String, Tensor> all() {
    return java.util.Collections.unmodifiableMap(tensors);
  }

  /** Those that are trained. */
  public Map<String, Tensor> trainable() {
    Map<String, Tensor> out = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (tensor.requires_grad()) {
            out.put(name, tensor);
          }
        });
    return out;
  }

  /** Turns gradients of everything on or off. */
  public void train(boolean on) {
    tensors.values().forEach(tensor -> tensor.set_requires_grad(on));
  }

  /**
   * Turns gradients on for weights whose names {@code pattern} finds, and off for the others.
   *
   * @param pattern a regular expression, or null for all
   * @throws IllegalArgumentException if it is none, or finds no name
   */
  public void train(String pattern) {
    Predicate<String> trained = pattern == null ? name -> true : predicate(pattern);
    if (tensors.keySet().stream().noneMatch(trained)) {
      throw new IllegalArgumentException(
          "trainable: expected names such as "
              + tensors.keySet().iterator().next()
              + ", found none for "
              + pattern);
    }
    tensors.forEach((name, tensor) -> tensor.set_requires_grad(trained.test(name)));
  }

  private static Predicate<String> predicate(String pattern) {
    try {
      return Pattern.compile(pattern).asPredicate();
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "trainable: expected a regular expression, found " + pattern + ": " + e.getMessage(), e);
    }
  }

  /** Writes the values of what is trained, exactly, for {@link #loadTrainable}. */
  public void saveTrainable(Path file) {
    try (PointerScope scope = new PointerScope()) {
      OutputArchive archive = new OutputArchive();
      int i = 0;
      for (Tensor tensor : trainable().values()) {
        archive.write(key(i++), tensor.detach());
      }
      archive.save_to(file.toString());
    }
  }

  /**
   * Reads the values back into a model with the same trainable parameters.
   *
   * @throws IllegalArgumentException if the file has others
   */
  public void loadTrainable(Path file) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      InputArchive archive = new InputArchive();
      archive.load_from(file.toString());
      int i = 0;
      for (Map.Entry<String, Tensor> entry : trainable().entrySet()) {
        Tensor stored = new Tensor();
        boolean found = archive.try_read(key(i++), stored);
        long[] shape = entry.getValue().shape();
        if (!found || !Arrays.equals(stored.shape(), shape)) {
          throw new IllegalArgumentException(
              file
                  + ": "
                  + entry.getKey()
                  + ": expected shape "
                  + Arrays.toString(shape)
                  + ", found "
                  + (found ? Arrays.toString(stored.shape()) : "nothing"));
        }
        entry.getValue().copy_(stored);
      }
    }
  }

  /**
   * Takes the mean of several files' values, each read as by {@link #loadTrainable}: weights of one
   * run averaged over its last steps (Izmailov et al., arXiv 1803.05407).
   *
   * @param files at least one
   */
  public void loadMean(List<Path> files) {
    Map<String, Tensor> sums = new LinkedHashMap<>();
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      for (Path file : files) {
        loadTrainable(file);
        trainable()
            .forEach(
                (name, tensor) -> {
                  Tensor sum = sums.get(name);
                  if (sum == null) {
                    sums.put(
                        name,
                        tensor.to(ScalarType.Double, false, true, new MemoryFormatOptional()));
                  } else {
                    sum.add_(tensor);
                  }
                });
      }
      trainable()
          .forEach((name, tensor) -> tensor.copy_(sums.get(name).div(new Scalar(files.size()))));
    }
  }

  /** Names with dots are no keys of an archive. */
  private static String key(int index) {
    return "p" + index;
  }

  /** Forgets all gradients. */
  public void zeroGradients() {
    for (Tensor tensor : tensors.values()) {
      Tensor gradient = tensor.mutable_grad();
      if (gradient.defined()) {
        gradient.reset();
      }
    }
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
    tensors.clear();
  }
}
