package dev.gavel.server.scheduling;

import dev.gavel.engine.Engine;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * The devices behind the one admission. Each has its own engine, loop and block cache; {@link
 * Placement} says which of them a call goes to. What a failing device gives away goes to another.
 */
public final class Scheduler implements AutoCloseable {
  /**
   * How calls are admitted and batched.
   *
   * @param batchDelayMicrosMax how long a batch that is not full waits for more calls; 0: not
   * @param explainStreamsMax reasoning paths that decode at once on each device
   * @param slowReaderSecondsMax how long a caller may take no reasoning token
   * @param kvCache whether KV stays held when no call uses it
   */
  public record Options(
      Admission.Bounds bounds,
      long batchDelayMicrosMax,
      int explainStreamsMax,
      int slowReaderSecondsMax,
      boolean kvCache) {}

  /**
   * What every device can hold.
   *
   * @param rowsMax rows of the largest batch
   * @param labelRows rows that each scored sequence adds to its tokens
   * @param blocks KV blocks of {@code blockTokens} tokens
   */
  public record Capacity(int rowsMax, int labelRows, int blocks, int blockTokens) {}

  private final ServerStats stats;
  private final Consumer<List<DeviceState>> onHealth;
  private final List<DeviceLoop> loops = new ArrayList<>();
  private final Capacity capacity;
  private final Admission admission;
  private final Placement placement; // guarded by itself

  /**
   * Starts a loop for each engine and waits until all have taken the labels.
   *
   * @param engines at least one, of the same model with the same room
   * @param labelForms per label, its surface forms as tokens
   * @param onHealth told the states of all devices when one of them has changed; any thread
   * @throws dev.gavel.engine.EngineException if an engine refuses the labels
   */
  public static Scheduler start(
      List<Engine> engines,
      List<List<int[]>> labelForms,
      Options options,
      ServerStats stats,
      Consumer<List<DeviceState>> onHealth) {
    return new Scheduler(engines, labelForms, options, stats, onHealth);
  }

  private Scheduler(
      List<Engine> engines,
      List<List<int[]>> labelForms,
      Options options,
      ServerStats stats,
      Consumer<List<DeviceState>> onHealth) {
    this.stats = stats;
    this.onHealth = onHealth;
    List<String> names = names(engines.stream().map(engine -> engine.info().device()).toList());
    try {
      for (int i = 0; i < engines.size(); i++) {
        DeviceStats own = stats.addDevice(names.get(i));
        loops.add(DeviceLoop.start(engines.get(i), labelForms, options, own, new Neighbours()));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    this.capacity = capacityOfAll();
    this.admission = new Admission(options.bounds, rate(), stats);
    this.placement = placement(options.kvCache);
  }

  /** The devices' names, with a number each where several have the same. */
  static List<String> names(List<String> devices) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      String device = devices.get(i);
      boolean alone = Collections.frequency(devices, device) == 1;
      int before = Collections.frequency(devices.subList(0, i), device);
      names.add(alone ? device : device + ":" + before);
    }
    return names;
  }

  private Capacity capacityOfAll() {
    int rows = Integer.MAX_VALUE;
    int blocks = Integer.MAX_VALUE;
    for (DeviceLoop loop : loops) {
      rows = Math.min(rows, loop.device().rowsMax());
      blocks = Math.min(blocks, loop.device().blocks().total());
    }
    DeviceLoop first = loops.get(0);
    int labelRows = first.device().labels().extraRows();
    return new Capacity(rows, labelRows, blocks, first.device().blocks().blockTokens());
  }

  private FleetRate rate() {
    return new FleetRate(
        loops.stream().map(loop -> new FleetRate.Member(loop.rate(), loop::serves)).toList());
  }

  private Placement placement(boolean kvCache) {
    long heldMax = kvCache ? (long) capacity.blocks * capacity.blockTokens : 0;
    int rowsEnough = loops.stream().mapToInt(loop -> loop.device().rowsEnough()).max().orElse(1);
    List<Placement.Target> targets = new ArrayList<>();
    for (DeviceLoop loop : loops) {
      PrefixMemory memory = new PrefixMemory(heldMax);
      targets.add(new Placement.Target(loop.backlog(), memory, loop::serves));
    }
    return new Placement(targets, capacity.labelRows, rowsEnough);
  }

  /** Any thread, and so is what follows. */
  public Capacity capacity() {
    return capacity;
  }

  /** Where calls enter. */
  public Admission admission() {
    return admission;
  }

  /** In the order of the engines. */
  public List<DeviceState> devices() {
    return loops.stream().map(loop -> new DeviceState(loop.name(), loop.problem())).toList();
  }

  /** Hands over a call; it fails as DRAINING if the scheduler is stopping. */
  public void submit(ScoreJob job) {
    if (place(job, true)) {
      stats.count(Counter.READY_REQUESTS);
    }
  }

  /** Hands over a call; it fails as DRAINING if the scheduler is stopping. */
  public void submit(ExplainJob job) {
    if (place(job)) {
      stats.count(Counter.READY_REQUESTS);
    }
  }

  private boolean place(ScoreJob job, boolean maySpread) {
    synchronized (placement) {
      List<Placement.Part> parts = placement.place(job.work(), maySpread);
      if (parts.size() < 2) {
        return give(job, parts.isEmpty() ? null : parts.get(0));
      }
      stats.count(Counter.SPREAD_REQUESTS);
      List<ScoreJob> jobs = ScoreParts.of(job, parts, capacity.labelRows);
      boolean given = true;
      for (int i = 0; i < jobs.size(); i++) {
        given &= give(jobs.get(i), parts.get(i));
      }
      return given;
    }
  }

  private boolean place(ExplainJob job) {
    synchronized (placement) {
      int[] prompt = job.work().plan().prompt();
      int shared = job.work().plan().prefixTokens();
      return give(job, placement.place(prompt, shared, job.work().rows()));
    }
  }

  /** False, and the job has ended, if there is no device or it takes no more jobs. */
  private boolean give(Job job, Placement.Part part) {
    if (part == null) {
      job.fail(null, Admission.noDevice());
      return false;
    }
    if (loops.get(part.device()).post(job, part.rows())) {
      return true;
    }
    job.fail(null, DeviceLoop.draining());
    return false;
  }

  /**
   * What the driver says of a device: it takes no calls while it is lost.
   *
   * @param device its place among the engines
   * @param problem why it is lost, or null
   */
  public void setLost(int device, String problem) {
    DeviceLoop loop = loops.get(device);
    loop.setLost(problem);
    changed(loop);
  }

  private void changed(DeviceLoop loop) {
    if (!loop.serves()) {
      synchronized (placement) {
        placement.forget(loops.indexOf(loop));
      }
    }
    tellHealth();
  }

  /** Says how the devices are, as at every change. */
  public void tellHealth() {
    synchronized (onHealth) {
      onHealth.accept(devices());
    }
  }

  /** What loops ask for. */
  private final class Neighbours implements DeviceLoop.Owner {
    @Override
    public void healthChanged(DeviceLoop loop) {
      changed(loop);
    }

    @Override
    public void moved(Job job) {
      boolean given = job instanceof ScoreJob score ? place(score, false) : place((ExplainJob) job);
      if (given) {
        stats.count(Counter.MOVED_REQUESTS);
      }
    }
  }

  /** Stops the running batches, fails all jobs as DRAINING and waits for the loops. Idempotent. */
  @Override
  public void close() {
    loops.forEach(DeviceLoop::stop);
    loops.forEach(DeviceLoop::close);
  }
}
