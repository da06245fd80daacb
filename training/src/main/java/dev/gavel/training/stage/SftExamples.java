package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.ClassBalancedSampler;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.evaluation.Decision;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.sft.LabelTarget;
import dev.gavel.training.sft.ResponseEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Judged pairs as sequences to learn, with their targets weighed.
 *
 * @param sequences repeated rows occur as often
 * @param classes most probable label of every sequence
 * @param files what each file gave
 */
record SftExamples(List<PackedBatch.Sequence> sequences, int[] classes, List<FileCounts> files) {
  /**
   * Rows of a file.
   *
   * @param labels [labels] rows by their most probable label, best grade first
   */
  record FileCounts(SftConfig.DataFile file, int rows, int reasoned, long[] labels) {}

  /** A row with its target. */
  private record Row(Judgment judgment, SftConfig.DataFile file, double[] distribution, int label) {
    static Row of(Judgment judgment, SftConfig.DataFile file, RelevanceModel model) {
      int labels = model.labels().size();
      double[] distribution =
          switch (file.kind()) {
            case GRADE -> oneHot(GradeIndex.of(model.labels(), judgment), labels);
            case SOFT -> {
              if (judgment.relevance().isEmpty()) {
                throw wrong(judgment, "a relevance (kind: soft)", "none");
              }
              yield file.scale(labels).distribution(judgment.relevance().getAsDouble());
            }
            case DISTRIBUTION -> {
              if (judgment.distribution().size() != labels) {
                throw wrong(
                    judgment,
                    "a distribution of " + labels + " labels (kind: distribution)",
                    judgment.distribution().size());
              }
              yield judgment.distribution().stream().mapToDouble(p -> p).toArray();
            }
          };
      // A reasoning is written for the grade, where there is one.
      boolean graded = judgment.grade().isPresent() && !judgment.rationale().isBlank();
      int label =
          graded ? GradeIndex.of(model.labels(), judgment) : Decision.ARGMAX.label(distribution);
      return new Row(judgment, file, distribution, label);
    }
  }

  /**
   * Reads and encodes all files.
   *
   * @throws IllegalArgumentException naming file and pair, what was expected and what was found
   */
  static SftExamples read(RelevanceModel model, SftConfig config) {
    List<Row> rows = new ArrayList<>();
    List<FileCounts> files = new ArrayList<>();
    for (SftConfig.DataFile file : config.data()) {
      List<Row> own = rows(file, model, config);
      rows.addAll(own);
      files.add(counts(file, own, model.labels().size()));
    }
    double[] classWeights = classWeights(rows, model.labels().size(), config.balance());
    ResponseEncoder encoder = new ResponseEncoder(model, config.form());
    List<PackedBatch.Sequence> sequences = new ArrayList<>();
    List<Integer> classes = new ArrayList<>();
    for (Row row : rows) {
      LabelTarget target = target(row, classWeights, config);
      PackedBatch.Sequence sequence = encoded(encoder, row, target);
      for (int i = 0; i < row.file().repeat(); i++) {
        sequences.add(sequence);
        classes.add(Decision.ARGMAX.label(row.distribution()));
      }
    }
    return new SftExamples(
        sequences, classes.stream().mapToInt(Integer::intValue).toArray(), files);
  }

  private static PackedBatch.Sequence encoded(
      ResponseEncoder encoder, Row row, LabelTarget target) {
    try {
      return encoder.encode(row.judgment(), target);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(row.file().path() + ": " + e.getMessage(), e);
    }
  }

  private static List<Row> rows(SftConfig.DataFile file, RelevanceModel model, SftConfig config) {
    boolean needed =
        config.form() != ResponseEncoder.Form.LABEL_ONLY && !config.rationaleOptional();
    List<Row> out = new ArrayList<>();
    for (Judgment judgment : JudgmentFile.read(file.path())) {
      if (needed && judgment.rationale().isBlank()) {
        throw wrong(judgment, "a rationale (or rationaleOptional: true)", "none in " + file.path());
      }
      try {
        out.add(Row.of(judgment, file, model));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(file.path() + ": " + e.getMessage(), e);
      }
    }
    if (out.isEmpty()) {
      throw new IllegalArgumentException(file.path() + ": expected judged pairs, found none");
    }
    return out;
  }

  private static FileCounts counts(SftConfig.DataFile file, List<Row> rows, int labels) {
    long[] byLabel = new long[labels];
    rows.forEach(row -> byLabel[Decision.ARGMAX.label(row.distribution())]++);
    long reasoned = rows.stream().filter(row -> !row.judgment().rationale().isBlank()).count();
    return new FileCounts(file, rows.size(), (int) reasoned, byLabel);
  }

  /** [labels], such that an expected row weighs 1. */
  private static double[] classWeights(List<Row> rows, int labels, SftConfig.Balance balance) {
    double[] weights = new double[labels];
    Arrays.fill(weights, 1);
    if (balance != SftConfig.Balance.INVERSE_SQRT) {
      return weights;
    }
    double[] mass = new double[labels];
    for (Row row : rows) {
      for (int i = 0; i < labels; i++) {
        mass[i] += row.file().repeat() * row.file().weight() * row.distribution()[i];
      }
    }
    double total = Arrays.stream(mass).sum();
    double expected = Arrays.stream(mass).map(Math::sqrt).sum() / total; // of 1 / sqrt(mass)
    for (int i = 0; i < labels; i++) {
      weights[i] = mass[i] == 0 ? 0 : 1 / Math.sqrt(mass[i]) / expected;
    }
    return weights;
  }

  private static LabelTarget target(Row row, double[] classWeights, SftConfig config) {
    double smoothing = config.labelSmoothing();
    double[] weights = new double[classWeights.length];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      double share = (1 - smoothing) * row.distribution()[i] + smoothing / weights.length;
      weights[i] = row.file().weight() * classWeights[i] * share;
      sum += weights[i];
    }
    return new LabelTarget(row.label(), weights, config.rationaleWeight() * sum);
  }

  /** In which order an epoch sees them. */
  Sampler sampler(SftConfig config) {
    return switch (config.balance()) {
      case NONE, INVERSE_SQRT -> Sampler.shuffled(classes.length, config.seed());
      case OVERSAMPLE ->
          new ClassBalancedSampler(classes, ClassBalancedSampler.Size.MOST_FREQUENT, config.seed());
      case UNDERSAMPLE ->
          new ClassBalancedSampler(classes, ClassBalancedSampler.Size.RAREST, config.seed());
    };
  }

  private static double[] oneHot(int label, int labels) {
    double[] out = new double[labels];
    out[label] = 1;
    return out;
  }

  private static IllegalArgumentException wrong(Judgment judgment, String expected, Object found) {
    return new IllegalArgumentException(
        "pair " + judgment.id() + ": expected " + expected + ", found " + found);
  }
}
