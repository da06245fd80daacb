package dev.gavel.cli;

import dev.gavel.training.run.Folders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A new folder of the system's place for such, which goes with all that is in it when closed. */
public record TemporaryFolder(Path path) implements AutoCloseable {
  public static TemporaryFolder create() throws IOException {
    return new TemporaryFolder(Files.createTempDirectory("gavel"));
  }

  /** A place in it. */
  public Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() throws IOException {
    Folders.delete(path);
  }
}
