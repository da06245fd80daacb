package dev.gavel.training.distributed;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * One worker of a run, and where it meets the others.
 *
 * @param rank from 0
 * @param workers number of them
 * @param joinTimeout until all have come
 * @param stepTimeout until all have answered, once they came; as long as the slowest rollout
 */
public record WorkerSpec(
    int rank, int workers, Meeting meeting, Duration joinTimeout, Duration stepTimeout) {
  private static final Duration JOIN = Duration.ofMinutes(5);
  private static final Duration STEP = Duration.ofMinutes(30);

  /** Where workers find each other. */
  public sealed interface Meeting {}

  /**
   * A host and port.
   *
   * @param hosted whether somebody else already listens there, as torchrun does; otherwise worker 0
   *     will
   */
  public record Tcp(String host, int port, boolean hosted) implements Meeting {
    public Tcp {
      if (host.isBlank() || port < 1 || port > 65535) {
        throw new IllegalArgumentException(
            "meeting: expected a host and a port from 1 to 65535, found " + host + ":" + port);
      }
    }

    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /** A file that all workers can write, which is not there before the run. */
  public record SharedFile(Path path) implements Meeting {
    @Override
    public String toString() {
      return path.toString();
    }
  }

  public WorkerSpec {
    if (workers < 1 || rank < 0 || rank >= workers) {
      throw new IllegalArgumentException(
          "worker: expected a rank from 0 to below the number of workers, found "
              + rank
              + " of "
              + workers);
    }
    if (joinTimeout.toMillis() < 1 || stepTimeout.toMillis() < 1) {
      throw new IllegalArgumentException(
          "worker: expected timeouts above 0, found " + joinTimeout + ", " + stepTimeout);
    }
  }

  /**
   * Reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun sets them, and optionally
   * GAVEL_JOIN_SECONDS and GAVEL_STEP_SECONDS. Without WORLD_SIZE there is one worker.
   *
   * @throws IllegalArgumentException naming the variable
   */
  public static WorkerSpec of(Map<String, String> environment) {
    int workers = number(environment, "WORLD_SIZE", 1);
    boolean alone = workers == 1;
    String host = environment.get("MASTER_ADDR");
    if (host == null && !alone) {
      throw new IllegalArgumentException("MASTER_ADDR: expected worker 0's host, found nothing");
    }
    // torchrun's agent keeps the port for itself and says so.
    boolean hosted = "True".equals(environment.get("TORCHELASTIC_USE_AGENT_STORE"));
    return new WorkerSpec(
        number(environment, "RANK", alone ? 0 : null),
        workers,
        new Tcp(
            alone ? "localhost" : host,
            alone ? 29500 : number(environment, "MASTER_PORT", null),
            hosted),
        Duration.ofSeconds(number(environment, "GAVEL_JOIN_SECONDS", (int) JOIN.toSeconds())),
        Duration.ofSeconds(number(environment, "GAVEL_STEP_SECONDS", (int) STEP.toSeconds())));
  }

  private static int number(Map<String, String> environment, String name, Integer otherwise) {
    String text = environment.get(name);
    if (text == null && otherwise != null) {
      return otherwise;
    }
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          name + ": expected a number, found " + (text == null ? "nothing" : text), e);
    }
  }
}
