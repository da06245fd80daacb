package dev.gavel.server.scheduling;

import dev.gavel.server.engine.BlockCache;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The Explain calls of one device, waiting and running. Belongs to the loop's thread. */
final class ExplainSet {
  /** After so many batches without room for it, a prompt goes before Score. */
  private static final int BATCHES_PASSED_MAX = 4;

  private final int streamsMax;
  private final ArrayDeque<ExplainJob> waiting = new ArrayDeque<>();
  private final List<ExplainJob> running = new ArrayList<>();
  private boolean wantsBlocks;
  private int turn;

  /**
   * @param streamsMax paths that decode at once
   */
  ExplainSet(int streamsMax) {
    this.streamsMax = streamsMax;
  }

  void add(ExplainJob job) {
    waiting.add(job);
  }

  boolean isEmpty() {
    return waiting.isEmpty() && running.isEmpty();
  }

  Stream<ExplainJob> jobs() {
    return Stream.concat(running.stream(), waiting.stream());
  }

  void purge() {
    waiting.removeIf(Job::hasEnded);
    running.removeIf(Job::hasEnded);
  }

  /** Forgets all jobs. */
  void clear() {
    waiting.clear();
    running.clear();
  }

  /** Whether a path waits for blocks; then nobody else should take any. */
  boolean wantsBlocks() {
    return wantsBlocks;
  }

  /** Begins paths in order of arrival while there are streams and blocks. */
  void begin(BlockCache pool) {
    wantsBlocks = false;
    int free = streamsMax - (int) activePaths().count();
    for (ExplainJob job : running) {
      for (ExplainPath path : job.paths()) {
        if (free > 0 && path.isIdle()) {
          if (!path.begin(pool)) {
            wantsBlocks = true;
            return;
          }
          free--;
        }
      }
    }
    if (free > 0 && !waiting.isEmpty()) {
      if (!waiting.peek().begin(pool)) {
        wantsBlocks = true;
        return;
      }
      running.add(waiting.poll());
      begin(pool);
    }
  }

  private Stream<ExplainPath> activePaths() {
    return running.stream().flatMap(job -> job.paths().stream()).filter(ExplainPath::isActive);
  }

  /** Paths with a step to compute now. */
  private List<ExplainPath> ready(long now) {
    List<ExplainPath> ready = new ArrayList<>();
    for (ExplainJob job : running) {
      if (!job.promptPending() && job.readerReady(now)) {
        job.paths().stream().filter(ExplainPath::isActive).forEach(ready::add);
      }
    }
    return ready;
  }

  /** Rows of what goes before Score: steps, and prompts that have waited too long. */
  int urgentRows(BatchPlan plan, long now) {
    int rows = ready(now).stream().mapToInt(path -> path.rows(plan)).sum();
    for (ExplainJob job : running) {
      if (job.promptPending() && job.batchesPassed() >= BATCHES_PASSED_MAX) {
        rows += job.promptRows(plan);
      }
    }
    return rows;
  }

  /** Adds one step of every path that fits, beginning with another path each time. */
  void addSteps(BatchPlan plan, long now) {
    List<ExplainPath> ready = ready(now);
    for (int i = 0; i < ready.size(); i++) {
      ExplainPath path = ready.get(Math.floorMod(turn + i, ready.size()));
      if (path.rows(plan) <= plan.room()) {
        path.addTo(plan);
      }
    }
    turn++;
  }

  void addOverduePrompts(BatchPlan plan) {
    for (ExplainJob job : running) {
      if (job.batchesPassed() >= BATCHES_PASSED_MAX) {
        job.addPromptTo(plan);
      }
    }
  }

  void addPrompts(BatchPlan plan) {
    for (ExplainJob job : running) {
      job.addPromptTo(plan);
      job.passed(plan);
    }
  }
}
