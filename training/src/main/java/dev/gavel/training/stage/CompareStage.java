package dev.gavel.training.stage;

import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.comparison.Comparison;
import dev.gavel.training.comparison.Pair;
import dev.gavel.training.comparison.Rules;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.evaluation.EngineScorer;
import dev.gavel.training.evaluation.Scored;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Two model directories on a judged file, scored by the engine as a server would. */
public final class CompareStage {
  /**
   * Whom to compare.
   *
   * @param base what {@code model} would replace
   * @param judge a third model whose labels are taken as another opinion
   */
  public record Models(Path base, Path model, Optional<Path> judge) {}

  private final Models models;
  private final EngineOptions options;
  private final Comparison.Settings settings;

  public CompareStage(Models models, EngineOptions options, Comparison.Settings settings) {
    this.models = models;
    this.options = options;
    this.settings = settings;
  }

  /**
   * What came out.
   *
   * @param base name and version
   * @param model name and version
   */
  public record Result(String base, String model, Comparison comparison) {
    /** The report. */
    public Report report() {
      return CompareReport.of(this);
    }
  }

  /** A model's answers, and what they mean. */
  private record Answers(String name, List<Label> labels, double threshold, List<Scored> scored) {}

  /** Hears how far it is. */
  @FunctionalInterface
  public interface Progress {
    /**
     * Some pairs of one model are done.
     *
     * @param model its directory
     */
    void done(Path model, int pairs, int total);
  }

  /**
   * Scores with one model after the other, and compares.
   *
   * @throws IllegalArgumentException naming file and pair, or the models, what was expected and
   *     what was found
   */
  public Result run(Path data, Progress progress) {
    List<Judgment> pairs = JudgmentFile.read(data);
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(data + ": expected judged pairs, found none");
    }
    if (models.judge().isPresent()) {
      Checks.ids(pairs, data); // by which the judge's verdicts are found
    }
    Answers base = answers(models.base(), pairs, data, progress);
    Answers model = answers(models.model(), pairs, data, progress);
    requireSameGrades(base, model);
    Optional<Answers> judge = models.judge().map(each -> answers(each, pairs, data, progress));
    judge.ifPresent(each -> requireSameGrades(base, each));
    List<Pair> both =
        IntStream.range(0, pairs.size())
            .mapToObj(
                i -> new Pair(base.scored().get(i), model.scored().get(i), title(pairs.get(i))))
            .toList();
    Comparison comparison =
        Comparison.of(
            base.labels(),
            both,
            Rules.served(base.threshold(), model.threshold()),
            judge.map(CompareStage::byId),
            settings);
    return new Result(base.name(), model.name(), comparison);
  }

  private Answers answers(Path directory, List<Judgment> pairs, Path data, Progress progress) {
    try (RelevanceModel relevance = RelevanceModel.open(directory);
        EngineScorer scorer = new EngineScorer(relevance, options)) {
      List<Scored> scored =
          scorer.score(pairs, done -> progress.done(directory, done, pairs.size()));
      return new Answers(
          (relevance.name() + " " + relevance.version()).strip(),
          relevance.labels(),
          relevance.tierRule().threshold(),
          scored);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(data + ", " + directory + ": " + e.getMessage(), e);
    }
  }

  private static void requireSameGrades(Answers one, Answers other) {
    List<Double> expected = one.labels().stream().map(Label::grade).toList();
    List<Double> found = other.labels().stream().map(Label::grade).toList();
    if (!expected.equals(found)) {
      throw new IllegalArgumentException(
          other.name()
              + ": expected the grades of "
              + one.name()
              + ", "
              + expected
              + ", found "
              + found);
    }
  }

  private static Map<String, Scored> byId(Answers answers) {
    return answers.scored().stream().collect(Collectors.toMap(Scored::id, Function.identity()));
  }

  private static String title(Judgment pair) {
    Item item = pair.item();
    return item.title().isEmpty() ? item.text() : item.title();
  }
}
