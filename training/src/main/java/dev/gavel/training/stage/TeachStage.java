package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.data.JudgmentWriter;
import dev.gavel.training.data.SoftTarget;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.teacher.ConclusionParser;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.LessonFilter;
import dev.gavel.training.teacher.endpoint.Budget;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * Has teachers write the rationales of judged pairs.
 *
 * <p>A run that is there already is done again: teachers are deterministic or remember their
 * answers, so a run that a budget ended goes on where it stopped.
 */
public final class TeachStage {
  /** The file of taught pairs in the run's folder; see {@link JudgmentFile}. */
  public static final String TAUGHT = "taught.jsonl";

  /** Progress is told about this many times. */
  private static final int CHUNKS = 100;

  /** Pairs of a chunk for each thread at least, so that few wait for the last. */
  private static final int PAIRS_PER_THREAD = 8;

  private final TeachConfig config;
  private final UnaryOperator<String> environment;

  public TeachStage(TeachConfig config) {
    this(config, System::getenv);
  }

  /**
   * @param environment variables by name; null where there is none
   */
  TeachStage(TeachConfig config, UnaryOperator<String> environment) {
    this.config = config;
    this.environment = environment;
  }

  /**
   * Writes the taught pairs in the order of the data, and the report.
   *
   * @throws IllegalArgumentException naming what is wrong with configuration, data or directory, or
   *     why no pair could be taught
   */
  public Report run(Path out, Progress progress) throws IOException {
    List<Judgment> pairs = JudgmentFile.read(config.data());
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(config.data() + ": expected pairs, found none");
    }
    try (RelevanceModel model = RelevanceModel.open(config.model())) {
      List<OptionalInt> judged = new ArrayList<>();
      for (Judgment pair : pairs) {
        judged.add(judged(model, pair));
      }
      Budget budget = budget();
      TeacherFactory factory = new TeacherFactory(config, model.labels(), environment, out, budget);
      try (Classroom room = new Classroom(config.teachers().stream().map(factory::make).toList())) {
        ObjectNode json = StageConfig.toJson(config);
        RunDirectory.open(out, json.put("modelVersion", model.version()));
        TeachReport report = new TeachReport(model, budget);
        teach(new Work(pairs, judged, filter(model)), room, report, out, progress);
        return written(report, out);
      }
    }
  }

  private Budget budget() {
    TeachConfig.Endpoint endpoint = config.endpoint();
    return endpoint == null
        ? new Budget(0, 0)
        : new Budget(endpoint.requestsMax(), endpoint.tokensMax());
  }

  /** The judged label, an index: of the grade, or the likeliest of a soft judgment. */
  private OptionalInt judged(RelevanceModel model, Judgment pair) {
    if (pair.grade().isPresent()) {
      try {
        return OptionalInt.of(GradeIndex.of(model.labels(), pair));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(config.data() + ": " + e.getMessage(), e);
      }
    }
    int labels = model.labels().size();
    if (!pair.distribution().isEmpty()) {
      if (pair.distribution().size() != labels) {
        throw new IllegalArgumentException(
            "%s: pair %s: expected a distribution of %d labels, found %s"
                .formatted(config.data(), pair.id(), labels, pair.distribution()));
      }
      return likeliest(pair.distribution().stream().mapToDouble(p -> p).toArray());
    }
    TeachConfig.Scale scale = config.scale();
    return scale == null
        ? OptionalInt.empty()
        : likeliest(
            new SoftTarget(scale.worst(), scale.best(), labels)
                .distribution(pair.relevance().getAsDouble()));
  }

  private static OptionalInt likeliest(double[] probabilities) {
    int best = 0;
    for (int i = 1; i < probabilities.length; i++) {
      best = probabilities[i] > probabilities[best] ? i : best;
    }
    return OptionalInt.of(best);
  }

  private LessonFilter filter(RelevanceModel model) {
    return new LessonFilter(
        config.filters().options(),
        model.labels().size(),
        new ConclusionParser(model.labels()),
        text -> model.tokenize(text).length);
  }

  private record Work(List<Judgment> pairs, List<OptionalInt> judged, LessonFilter filter) {}

  private void teach(Work work, Classroom room, TeachReport report, Path out, Progress progress)
      throws IOException {
    int all = work.pairs().size();
    int each = Math.max((all + CHUNKS - 1) / CHUNKS, room.threads() * PAIRS_PER_THREAD);
    int chunks = (all + each - 1) / each;
    Path partial = out.resolve(TAUGHT + ".partial");
    try (JudgmentWriter writer = new JudgmentWriter(partial)) {
      for (int chunk = 0; chunk < chunks; chunk++) {
        int from = chunk * each;
        int to = Math.min(all, from + each);
        List<Classroom.Outcome> outcomes = room.teach(asked(work, from, to));
        for (int i = from; i < to; i++) {
          settle(work, i, outcomes.get(i - from), report, writer);
        }
        progress.step(new StepMetrics(chunk + 1).with("taught", report.taught()), chunks);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while teaching");
    }
    Files.move(partial, out.resolve(TAUGHT), StandardCopyOption.REPLACE_EXISTING);
  }

  private List<Classroom.Question> asked(Work work, int from, int to) {
    List<Classroom.Question> out = new ArrayList<>();
    for (int i = from; i < to; i++) {
      OptionalInt known = config.oracle() ? work.judged().get(i) : OptionalInt.empty();
      boolean given = config.keep() && !work.pairs().get(i).rationale().isBlank();
      out.add(new Classroom.Question(work.pairs().get(i), known, given));
    }
    return out;
  }

  /** Counts a pair's outcome and writes the pair if it is to be written. */
  private void settle(
      Work work, int at, Classroom.Outcome outcome, TeachReport report, JudgmentWriter writer)
      throws IOException {
    Judgment pair = work.pairs().get(at);
    OptionalInt judged = work.judged().get(at);
    report.count(outcome);
    if (outcome.lesson().isEmpty()) {
      boolean silent = outcome.teacher().isEmpty();
      if (outcome.given()) {
        writer.write(pair);
      } else if (silent && config.rejected() == TeachConfig.Rejected.BARE) {
        writer.write(pair.withRationale(""));
      }
      return;
    }
    Lesson lesson = outcome.lesson().get();
    Optional<LessonFilter.Reason> reason = work.filter().reject(pair, judged, lesson);
    if (reason.isEmpty()) {
      Judgment taught = pair.withRationale(lesson.reasoning());
      writer.write(taught);
      report.taught(taught, judged);
    } else {
      report.rejected(reason.get());
      if (config.rejected() == TeachConfig.Rejected.BARE) {
        writer.write(pair.withRationale(""));
      }
    }
  }

  private static Report written(TeachReport report, Path out) throws IOException {
    if (report.taught() == 0 && report.stopped().isPresent()) {
      throw new IllegalArgumentException(
          "expected to teach some pairs, found none: " + report.stopped().get());
    }
    Report made = report.toReport();
    made.write(out);
    return made;
  }
}
