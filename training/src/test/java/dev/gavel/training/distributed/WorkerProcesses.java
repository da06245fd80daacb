package dev.gavel.training.distributed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Workers of a test, each a JVM with this one's class path and native libraries. */
final class WorkerProcesses implements AutoCloseable {
  private final Class<?> program;
  private final Path folder;
  private final List<Process> workers = new ArrayList<>();

  /**
   * @param folder for logs
   */
  WorkerProcesses(Class<?> program, Path folder) {
    this.program = program;
    this.folder = folder;
  }

  void start(int rank, Map<String, String> environment, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m"));
    for (String name : new String[] {"gavel.native.dir", "java.library.path"}) {
      if (System.getProperty(name) != null) {
        command.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    command.addAll(List.of("-cp", classPath(), program.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log(rank).toFile());
    builder.environment().putAll(environment);
    workers.add(builder.start());
  }

  private static String classPath() {
    String whole = System.getProperty("surefire.test.class.path");
    return whole == null ? System.getProperty("java.class.path") : whole;
  }

  private Path log(int rank) {
    return folder.resolve("worker" + rank + ".log");
  }

  /** Fails with a worker's log unless all end well. */
  void await() throws IOException, InterruptedException {
    for (int rank = 0; rank < workers.size(); rank++) {
      assertTrue(workers.get(rank).waitFor(10, TimeUnit.MINUTES), "worker " + rank + " hangs");
      assertEquals(0, workers.get(rank).exitValue(), Files.readString(log(rank)));
    }
  }

  @Override
  public void close() {
    workers.forEach(Process::destroyForcibly);
  }
}
