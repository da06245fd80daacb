package dev.gavel.engine;

import dev.gavel.engine.binding.Gavel;
import org.bytedeco.javacpp.Loader;

/** Loads {@code libgavel.so} once and turns its statuses into exceptions. */
final class NativeRuntime {
  private static final EngineException.Code[] CODES = EngineException.Code.values();

  static {
    // All libraries lie flat in one folder: nothing is unpacked into a cache.
    String directory = System.getProperty("gavel.native.dir");
    if (directory != null) {
      setDefault("org.bytedeco.javacpp.pathsFirst", "true");
      String paths = System.getProperty("java.library.path", "");
      System.setProperty("java.library.path", directory + java.io.File.pathSeparator + paths);
    }
    // JavaCPP's own memory watch would refuse weights that the machine can hold.
    setDefault("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    setDefault("org.bytedeco.javacpp.maxBytes", "0");
    try {
      Loader.load(Gavel.class);
    } catch (UnsatisfiedLinkError e) {
      UnsatisfiedLinkError named =
          new UnsatisfiedLinkError(
              "native library: expected libgavel.so and libjniGavel.so in "
                  + (directory == null ? "java.library.path" : directory)
                  + ", found: "
                  + e.getMessage());
      named.initCause(e);
      throw named;
    }
  }

  private NativeRuntime() {}

  /** Makes sure that the library is loaded. */
  static void load() {}

  private static void setDefault(String key, String value) {
    if (System.getProperty(key) == null) {
      System.setProperty(key, value);
    }
  }

  /** Throws unless the status is OK. */
  static void check(int status) {
    if (status != Gavel.GAVEL_OK) {
      EngineException.Code code =
          status > 0 && status < CODES.length ? CODES[status] : EngineException.Code.INTERNAL;
      throw new EngineException(code, Gavel.gavel_last_error().getString());
    }
  }
}
