package dev.gavel.cli.client;

import java.nio.file.Path;
import java.time.Duration;

public final class LocalServer {
  public static Sidecar inProcess(LocalModel m, Duration d) {
    return null;
  }

  public static Sidecar unix(LocalModel m, Path p) {
    return null;
  }
}
