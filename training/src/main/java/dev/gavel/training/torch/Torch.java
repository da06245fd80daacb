package dev.gavel.training.torch;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.indexer.DoubleIndexer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Loads LibTorch and converts between Java values and tensors. */
public final class Torch {
  /** What {@code libtorch_cpu.so} needs, in the order in which each finds those before it. */
  private static final String[] DEPENDENCIES = {
    "libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0"
  };

  private static final String LOAD = "org.bytedeco.javacpp.loadlibraries";

  static {
    setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    setDefault("org.bytedeco.javacpp.maxBytes", "0");
    String directory = System.getProperty("gavel.native.dir");
    if (directory != null && Files.exists(Path.of(directory, "libtorch_cpu.so"))) {
      useFlatFolder(directory);
    }
    Loader.load(torch.class);
  }

  private Torch() {}

  private static void setDefault(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  /**
   * Takes every library from one folder instead of unpacking 400 MB into a cache. The preset would
   * load OpenBLAS's own Java binding (twice 24 MB, and a renamed copy of the library); nobody calls
   * it, so its classes are initialized with loading switched off.
   */
  private static void useFlatFolder(String directory) {
    setDefault("org.bytedeco.javacpp.pathsFirst", "true");
    String paths = System.getProperty("java.library.path", "");
    if (!paths.startsWith(directory)) {
      System.setProperty("java.library.path", directory + File.pathSeparator + paths);
    }
    for (String library : DEPENDENCIES) {
      Path file = Path.of(directory, library).toAbsolutePath();
      if (Files.exists(file)) {
        System.load(file.toString());
      }
    }
    String before = System.getProperty(LOAD);
    System.setProperty(LOAD, "false");
    try {
      Class.forName("org.bytedeco.openblas.global.openblas_nolapack");
      Class.forName("org.bytedeco.openblas.global.openblas");
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException("expected the openblas preset on the class path", e);
    } finally {
      if (before == null) {
        System.clearProperty(LOAD);
      } else {
        System.setProperty(LOAD, before);
      }
    }
  }

  /**
   * Makes sure that LibTorch is loaded.
   *
   * @throws UnsatisfiedLinkError naming what is missing
   */
  public static void load() {}

  /** Size of LibTorch's thread pool. */
  public static void threads(int count) {
    torch.set_num_threads(count);
  }

  /**
   * Computes one tensor and frees everything else that was made on the way. The result belongs to
   * the surrounding scope, if there is one.
   */
  public static Tensor scoped(Supplier<Tensor> work) {
    PointerScope outer = PointerScope.getInnerScope();
    Tensor result = lasting(work);
    if (outer != null) {
      outer.attach(result);
      result.releaseReference(); // the scope holds it now
    }
    return result;
  }

  /** The same for a tensor that outlives every scope, until it is closed. */
  public static Tensor lasting(Supplier<Tensor> work) {
    try (PointerScope scope = new PointerScope()) {
      Tensor result = work.get();
      result.retainReference(); // outlives the scope's own reference
      return result;
    }
  }

  /** A vector of indices. */
  public static Tensor indices(int... values) {
    long[] wide = new long[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return Tensor.create(wide, wide.length);
  }

  /** A vector of numbers of the type of {@code like}. */
  public static Tensor vector(double[] values, Tensor like) {
    return Tensor.create(values, values.length).to(like.scalar_type());
  }

  /** The elements of a tensor, row-major. */
  public static double[] doubles(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      Tensor plain = tensor.detach().to(torch.ScalarType.Double).contiguous().view(tensor.numel());
      double[] out = new double[Math.toIntExact(tensor.numel())];
      if (out.length > 0) {
        DoubleIndexer indexer = plain.createIndexer();
        indexer.get(0, out);
      }
      return out;
    }
  }
}
