package dev.gavel.server.scheduling;

import java.util.ArrayList;
import java.util.List;

/**
 * Puts the parts of one Score call together again. The call ends with its last part, or with the
 * first that fails, which also cancels the others. Any thread.
 */
final class ScoreParts {
  private final ScoreJob whole;
  private final List<ScoreJob> parts = new ArrayList<>();
  private final float[][] logProbabilities;
  private final float[] logMass;
  private StageSeconds slowest = new StageSeconds(0, 0, 0);
  private int left;
  private boolean failed;

  private ScoreParts(ScoreJob whole) {
    this.whole = whole;
    this.logProbabilities = new float[whole.work().items().size()][];
    this.logMass = new float[whole.work().items().size()];
  }

  /**
   * Jobs that compute {@code whole} instead of it.
   *
   * @param labelRows rows that each item adds to its tokens
   */
  static List<ScoreJob> of(ScoreJob whole, List<Placement.Part> placed, int labelRows) {
    ScoreParts all = new ScoreParts(whole);
    for (Placement.Part part : placed) {
      all.parts.add(whole.part(part.items(), labelRows, all.sink(part.items())));
    }
    all.left = placed.size();
    whole.spreadOver(List.copyOf(all.parts));
    return all.parts;
  }

  private ScoreJob.Sink sink(int[] items) {
    return new ScoreJob.Sink() {
      @Override
      public void scored(ScoreJob.Result result) {
        partScored(items, result);
      }

      @Override
      public void failed(FaultException fault) {
        partFailed(fault);
      }
    };
  }

  private void partScored(int[] items, ScoreJob.Result result) {
    StageSeconds times;
    synchronized (this) {
      for (int i = 0; i < items.length; i++) {
        logProbabilities[items[i]] = result.logProbabilities()[i];
        logMass[items[i]] = result.logMass()[i];
      }
      slowest = slowest.total() > result.times().total() ? slowest : result.times();
      left--;
      if (left > 0 || failed) {
        return;
      }
      times = slowest;
    }
    whole.sink().scored(new ScoreJob.Result(logProbabilities, logMass, times));
  }

  private void partFailed(FaultException fault) {
    synchronized (this) {
      if (failed) {
        return;
      }
      failed = true;
    }
    whole.isFirstDropped(); // what happens to the others is no event of its own
    parts.forEach(ScoreJob::cancel);
    whole.sink().failed(fault);
  }
}
