package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.EngineScorer;
import dev.gavel.training.evaluation.Evaluation;
import dev.gavel.training.evaluation.SampleEvaluation;
import dev.gavel.training.evaluation.Scored;
import dev.gavel.training.evaluation.ThresholdSweep;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/** A model directory on a judged file, scored by the engine as a server would. */
public final class EvaluateStage {
  private final Path model;
  private final EngineOptions options;
  private final Optional<Path> samples;

  public EvaluateStage(Path model, EngineOptions options) {
    this(model, options, Optional.empty());
  }

  /**
   * A stage that also looks at responses.
   *
   * @param samples of the model to the evaluated pairs, as {@code gavel train sample} writes them
   */
  public EvaluateStage(Path model, EngineOptions options, Optional<Path> samples) {
    this.model = model;
    this.options = options;
    this.samples = samples;
  }

  /**
   * What came out.
   *
   * @param name of the model
   * @param pairsPerSecond prompts and engine together, loading left out
   * @param sweep every CumPT threshold on this very set: what is best here, not what to expect
   * @param samples of the responses, where there were any
   */
  public record Result(
      String name,
      String version,
      List<Scored> scored,
      Evaluation evaluation,
      double pairsPerSecond,
      ThresholdSweep sweep,
      Optional<SampleEvaluation> samples) {
    public Result {
      scored = List.copyOf(scored);
    }

    /** The object of {@code gavel evaluate --json}. */
    public ObjectNode toJson() {
      ObjectNode json = evaluation.toJson(pairsPerSecond);
      samples.ifPresent(each -> json.set("samples", each.toJson()));
      return json;
    }

    /** The report with plots. */
    public Report report() {
      return EvaluationReport.of(this);
    }
  }

  /**
   * Scores and evaluates, CumPT at the threshold of the model's manifest.
   *
   * @param progress hears how many pairs are done
   * @throws IllegalArgumentException naming file and pair, what was expected and what was found
   */
  public Result run(Path data, Progress progress) {
    List<Judgment> pairs = JudgmentFile.read(data);
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(data + ": expected judged pairs, found none");
    }
    try (RelevanceModel relevance = RelevanceModel.open(model);
        EngineScorer scorer = new EngineScorer(relevance, options)) {
      Optional<SampleEvaluation> responses =
          samples.map(file -> SampleCheck.of(file, relevance.labels(), pairs));
      long start = System.nanoTime();
      List<Scored> scored = score(scorer, pairs, data, done -> progress.done(done, pairs.size()));
      double seconds = (System.nanoTime() - start) * 1e-9;
      return new Result(
          relevance.name(),
          relevance.version(),
          scored,
          Evaluation.of(
              relevance.labels(), scored, relevance.tierRule().threshold(), Bootstrap.DEFAULT),
          pairs.size() / seconds,
          ThresholdSweep.of(scored, relevance.labels().size()),
          responses);
    }
  }

  private static List<Scored> score(
      EngineScorer scorer, List<Judgment> pairs, Path data, IntConsumer progress) {
    try {
      return scorer.score(pairs, progress);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(data + ": " + e.getMessage(), e);
    }
  }

  /** Hears how far it is. */
  @FunctionalInterface
  public interface Progress {
    void done(int pairs, int total);
  }
}
