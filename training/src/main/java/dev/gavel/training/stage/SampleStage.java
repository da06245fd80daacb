package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.rollout.PolicyEngine;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.rollout.Sample;
import dev.gavel.training.rollout.SampleFile;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Samples responses on the engine and counts how many are right (TaoSR1, stage 2). */
public final class SampleStage {
  /** The file of responses in the run's folder; see {@link SampleFile}. */
  public static final String SAMPLES = "samples.jsonl";

  private final SampleConfig config;

  public SampleStage(SampleConfig config) {
    this.config = config;
  }

  /**
   * Samples for the pairs that {@code out} has no responses to yet, and writes the report there.
   *
   * @throws IllegalArgumentException naming what is wrong with configuration, data or directory
   */
  public Report run(Path out, Progress progress) throws IOException {
    try (RelevanceModel model = RelevanceModel.open(config.model())) {
      List<Judgment> pairs = pairs(model, config.data());
      ObjectNode json = StageConfig.toJson(config);
      RunDirectory.open(out, json.put("modelVersion", model.version()));
      SampleFile file = new SampleFile(out.resolve(SAMPLES), model.labels());
      file.repair();
      sample(model, pairs, file, progress);
      Map<String, List<Sample>> samples = file.read();
      Report report = SampleReport.of(config, model, pairs, samples);
      report.write(out);
      return report;
    }
  }

  /** Reads pairs with a grade each, of which no two have the same id. */
  static List<Judgment> pairs(RelevanceModel model, Path data) {
    List<Judgment> pairs = JudgmentFile.read(data);
    Checks.ids(pairs, data);
    for (Judgment pair : pairs) {
      try {
        GradeIndex.of(model.labels(), pair);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(data + ": " + e.getMessage(), e);
      }
    }
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(data + ": expected at least one pair, found none");
    }
    return pairs;
  }

  private void sample(
      RelevanceModel model, List<Judgment> pairs, SampleFile file, Progress progress)
      throws IOException {
    Set<String> done = file.read().keySet();
    List<Judgment> rest = pairs.stream().filter(pair -> !done.contains(pair.id())).toList();
    if (rest.isEmpty()) {
      return;
    }
    progress.note("loading the model; " + done.size() + " pairs are done");
    try (PolicyEngine engine = new PolicyEngine(model, config.engine())) {
      engine.load();
      Tally tally = new Tally(model, rest, file, progress, done.size(), pairs.size());
      engine.sample(rest, config.samples(), config.spec(), tally::add);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** Writes groups as they come and says how it goes. */
  private final class Tally {
    private final RelevanceModel model;
    private final List<Judgment> pairs;
    private final SampleFile file;
    private final Progress progress;
    private final int total;
    private int done;
    private long right;
    private long samples;

    Tally(
        RelevanceModel model,
        List<Judgment> pairs,
        SampleFile file,
        Progress progress,
        int done,
        int total) {
      this.model = model;
      this.pairs = pairs;
      this.file = file;
      this.progress = progress;
      this.done = done;
      this.total = total;
    }

    void add(List<Rollout> group) {
      Judgment pair = pairs.get(group.get(0).pair());
      int truth = GradeIndex.of(model.labels(), pair);
      List<Sample> kept =
          group.stream()
              .map(Sample::of)
              .map(each -> config.keep() == SampleConfig.Keep.TEXT ? each.textOnly() : each)
              .toList();
      try {
        file.append(pair.id(), truth, kept);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      samples += kept.size();
      right += kept.stream().filter(each -> each.label() == truth).count();
      progress.step(new StepMetrics(++done).with("right", right / (double) samples), total);
    }
  }
}
