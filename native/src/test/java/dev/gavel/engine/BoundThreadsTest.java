package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Threads bound to processors, seen through the system's own account of them. */
class BoundThreadsTest {
  private static final Path TASKS = Path.of("/proc/self/task");
  private static final Golden GOLDEN = Golden.named("qwen2");

  private List<Integer> allowed;

  @BeforeEach
  void needsLinux() throws IOException {
    Assumptions.assumeTrue(Files.isDirectory(TASKS), "only Linux binds threads");
    allowed = CoreList.parse(allowedOf(Path.of("/proc/thread-self")));
  }

  private static String allowedOf(Path task) throws IOException {
    return Files.readAllLines(task.resolve("status")).stream()
        .filter(line -> line.startsWith("Cpus_allowed_list:"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElseThrow();
  }

  /** Threads of this process that may run on {@code core} only. */
  private static long boundTo(int core) throws IOException {
    long count = 0;
    try (Stream<Path> tasks = Files.list(TASKS)) {
      for (Path task : tasks.toList()) {
        count += Files.exists(task) && allowedOf(task).equals(Integer.toString(core)) ? 1 : 0;
      }
    }
    return count;
  }

  /** A worker binds itself as its first act, some time after the engine is there. */
  private static void awaitBound(int core, long count) throws IOException, InterruptedException {
    for (int i = 0; i < 1000 && boundTo(core) != count; i++) {
      Thread.sleep(10);
    }
    assertEquals(count, boundTo(core));
  }

  private static float[] logits(EngineOptions options) {
    try (Engine engine = GOLDEN.engine(options)) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      batch.root(GOLDEN.prompts().get(0).tokens());
      batch.logits();
      engine.run(batch, result);
      return result.logits(0);
    }
  }

  @Test
  void workersAreBoundAndTheCallerIsLetGo() throws IOException, InterruptedException {
    Assumptions.assumeTrue(allowed.size() >= 2, "needs two processors");
    int worker = allowed.get(1);
    EngineOptions options = TestOptions.blocks(16).withCores(List.of(allowed.get(0), worker));
    assertEquals(2, options.threads());
    long before = boundTo(worker);
    try (Engine engine = GOLDEN.engine(options)) {
      assertEquals(2, engine.info().threads());
      awaitBound(worker, before + 1);
    }
    float[] bound = logits(options);
    assertArrayEquals(logits(options.withCores(List.of())), bound);
    assertEquals(allowed, CoreList.parse(allowedOf(Path.of("/proc/thread-self"))));
  }

  @Test
  void coresThatCannotBe() {
    EngineOptions options = TestOptions.blocks(16);
    int one = allowed.get(0);
    refused(options.withCores(List.of(one, one)), "found " + one + " twice");
    refused(options.withCores(List.of(1023)), "found 1023");
    refused(options.withCores(List.of(one)).withThreads(2), "2 threads, found 1");
  }

  private static void refused(EngineOptions options, String found) {
    EngineException error =
        assertThrows(
            EngineException.class, () -> EngineBuilder.create(GOLDEN.config(), options).close());
    assertEquals(EngineException.Code.INVALID_ARGUMENT, error.code());
    assertTrue(error.getMessage().contains(found), error.getMessage());
  }
}
