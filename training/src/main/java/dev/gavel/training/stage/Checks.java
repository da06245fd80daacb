package dev.gavel.training.stage;

import dev.gavel.training.data.Judgment;
import dev.gavel.training.sft.ResponseEncoder;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What several stages ask of the same keys, and of data. */
final class Checks {
  private Checks() {}

  /**
   * @throws IllegalArgumentException naming the key unless {@code fine}
   */
  static void require(boolean fine, String key, String expected, Object found) {
    if (!fine) {
      throw new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
    }
  }

  static void optimizer(double learningRate, double endShare, double weightDecay, double clip) {
    require(learningRate > 0, "learningRate", "more than 0", learningRate);
    require(endShare >= 0 && endShare <= 1, "endShare", "0 to 1", endShare);
    require(weightDecay >= 0, "weightDecay", "0 or more", weightDecay);
    require(clip > 0, "clip", "more than 0", clip);
  }

  /** Of stages that pass over data. */
  static void epochs(int epochs, int microTokens, double warmupShare) {
    require(epochs > 0, "epochs", "more than 0", epochs);
    schedule(microTokens, warmupShare);
  }

  static void schedule(int microTokens, double warmupShare) {
    require(microTokens > 0, "microTokens", "more than 0", microTokens);
    require(warmupShare >= 0 && warmupShare <= 1, "warmupShare", "0 to 1", warmupShare);
  }

  static void run(int checkpointSteps, int averageCheckpoints, int threads) {
    require(checkpointSteps > 0, "checkpointSteps", "more than 0", checkpointSteps);
    require(averageCheckpoints > 0, "averageCheckpoints", "more than 0", averageCheckpoints);
    require(threads >= 0, "threads", "0 or more", threads);
  }

  static void dev(Path dev, int evaluateSteps) {
    require(evaluateSteps >= 0, "evaluateSteps", "0 or more", evaluateSteps);
    require(evaluateSteps == 0 || dev != null, "evaluateSteps", "0 without dev", evaluateSteps);
  }

  /** The dev set is scored where the prompt ends; think-first the label is elsewhere. */
  static void dev(Path dev, int evaluateSteps, ResponseEncoder.Form form) {
    dev(dev, evaluateSteps);
    boolean scored = form != ResponseEncoder.Form.THINK_FIRST;
    require(dev == null || scored, "dev", "none with form think-first", dev);
  }

  /** No two pairs of the file {@code data} have the same id. */
  static void ids(List<Judgment> pairs, Path data) {
    Set<String> ids = new HashSet<>();
    for (Judgment pair : pairs) {
      if (!ids.add(pair.id())) {
        throw new IllegalArgumentException(
            data + ": expected every id once, found " + pair.id() + " again");
      }
    }
  }
}
