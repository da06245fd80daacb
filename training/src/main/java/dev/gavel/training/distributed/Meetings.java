package dev.gavel.training.distributed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.FileStore;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringVector;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;

/** The key-value store where workers find each other. */
final class Meetings {
  private Meetings() {}

  /** Opens the store, or connects to it. */
  static Store open(WorkerSpec spec) {
    Milliseconds timeout = new Milliseconds(spec.joinTimeout().toMillis());
    try {
      Store store =
          spec.meeting() instanceof WorkerSpec.Tcp tcp
              ? new TCPStore(tcp.host(), options(spec, tcp, timeout))
              : new FileStore(spec.meeting().toString(), spec.workers());
      store.setTimeout(timeout);
      return store;
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          prefix(spec)
              + "expected to meet at "
              + spec.meeting()
              + " within "
              + seconds(spec.joinTimeout())
              + " s, found: "
              + firstLine(e),
          e);
    }
  }

  private static TCPStoreOptions options(
      WorkerSpec spec, WorkerSpec.Tcp tcp, Milliseconds timeout) {
    return new TCPStoreOptions()
        .port((short) tcp.port()) // unsigned there
        .isServer(spec.rank() == 0 && !tcp.hosted())
        .waitWorkers(false)
        .timeout(timeout);
  }

  /** Returns when all workers have come. */
  static void rollCall(Store store, WorkerSpec spec) {
    store.set(key(spec.rank()), "here");
    long end = System.nanoTime() + spec.joinTimeout().toNanos();
    for (int rank = 0; rank < spec.workers(); rank++) {
      long left = Math.max(1, (end - System.nanoTime()) / 1_000_000);
      try {
        store._wait(new StringVector(key(rank)), new Milliseconds(left));
      } catch (RuntimeException e) {
        throw new IllegalStateException(
            prefix(spec)
                + "expected "
                + spec.workers()
                + " workers at "
                + spec.meeting()
                + " within "
                + seconds(spec.joinTimeout())
                + " s, found none of rank "
                + absent(store, spec),
            e);
      }
    }
  }

  private static List<Integer> absent(Store store, WorkerSpec spec) {
    List<Integer> out = new ArrayList<>();
    for (int rank = 0; rank < spec.workers(); rank++) {
      if (!store.check(new StringVector(key(rank)))) {
        out.add(rank);
      }
    }
    return out;
  }

  /** A call that not all workers answered. */
  static IllegalStateException failed(WorkerSpec spec, String what, RuntimeException e) {
    return new IllegalStateException(
        prefix(spec)
            + what
            + ": expected an answer of all "
            + spec.workers()
            + " workers within "
            + seconds(spec.stepTimeout())
            + " s, found: "
            + firstLine(e),
        e);
  }

  private static String key(int rank) {
    return "gavel/worker/" + rank;
  }

  private static String prefix(WorkerSpec spec) {
    return "worker " + spec.rank() + ": ";
  }

  private static String seconds(Duration duration) {
    double seconds = duration.toMillis() * 1e-3;
    return seconds == Math.rint(seconds) ? Long.toString((long) seconds) : Double.toString(seconds);
  }

  private static String firstLine(RuntimeException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
