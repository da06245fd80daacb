package dev.gavel.training.rollout;

import dev.gavel.engine.KvBlocks;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.sft.ResponseEncoder;
import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Samples for many pairs at once. Every batch holds one step of each live path, and the prompts of
 * new pairs while there are blocks for all their paths: a path that has begun never waits for
 * memory. Pairs of one query are neighbours, so that their prefix is held for a short time.
 */
final class SampleLoop {
  private final PolicyEngine.Device device;
  private final PairRun.Common common;
  private final KvBlocks pool;
  private final List<PairRun> running = new ArrayList<>();
  private final ArrayDeque<PairRun> waiting = new ArrayDeque<>();

  SampleLoop(PolicyEngine.Device device, PairRun.Common common, List<Judgment> pairs) {
    this.device = device;
    this.common = common;
    this.pool = device.blocks();
    queue(pairs);
  }

  private void queue(List<Judgment> pairs) {
    ResponseEncoder encoder = new ResponseEncoder(common.model(), common.spec().form());
    Map<IntBuffer, SharedPrefix> prefixes = new LinkedHashMap<>();
    Map<SharedPrefix, List<PairRun>> byPrefix = new LinkedHashMap<>();
    for (int i = 0; i < pairs.size(); i++) {
      ExplainPlan plan = encoder.plan(pairs.get(i));
      int shared = Math.min(plan.prefixTokens(), plan.prompt().length - 1);
      int[] tokens = Arrays.copyOf(plan.prompt(), shared);
      SharedPrefix prefix =
          prefixes.computeIfAbsent(IntBuffer.wrap(tokens), key -> new SharedPrefix(tokens));
      prefix.expect();
      byPrefix
          .computeIfAbsent(prefix, key -> new ArrayList<>())
          .add(new PairRun(common, i, pairs.get(i), plan, prefix));
    }
    byPrefix.values().forEach(waiting::addAll);
  }

  void run(Consumer<List<Rollout>> sink) {
    while (!waiting.isEmpty() || !running.isEmpty()) {
      Step step = new Step(device);
      addSteps(step);
      while (!waiting.isEmpty() && fits(waiting.peek(), step)) {
        PairRun next = waiting.poll();
        next.begin(step, pool);
        running.add(next);
      }
      if (step.isEmpty()) {
        throw tooSmall(waiting.peek(), step);
      }
      step.run();
      finish(sink);
    }
  }

  private void addSteps(Step step) {
    for (PairRun run : running) {
      for (ResponsePath path : run.paths()) {
        int rows = path.rows(step);
        if (rows > 0 && rows <= step.room()) {
          path.addTo(step);
        }
      }
    }
  }

  private boolean fits(PairRun run, Step step) {
    return run.blocks(pool) <= pool.available() && run.rows(step) <= step.room();
  }

  private IllegalArgumentException tooSmall(PairRun run, Step step) {
    return new IllegalArgumentException(
        "pair "
            + run.pair().id()
            + ": expected at most "
            + pool.available()
            + " KV blocks of "
            + pool.blockTokens()
            + " tokens and batches of "
            + step.room()
            + " rows, found "
            + run.blocks(pool)
            + " blocks and "
            + run.rows(step)
            + " rows");
  }

  private void finish(Consumer<List<Rollout>> sink) {
    running.forEach(run -> run.releaseEnded(pool));
    List<PairRun> done = running.stream().filter(PairRun::hasEnded).toList();
    running.removeAll(done);
    for (PairRun run : done) {
      run.release(pool);
      sink.accept(run.paths().stream().map(ResponsePath::rollout).toList());
    }
  }
}
