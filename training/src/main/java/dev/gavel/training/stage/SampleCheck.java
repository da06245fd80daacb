package dev.gavel.training.stage;

import dev.gavel.relevance.Label;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.evaluation.Hallucination;
import dev.gavel.training.evaluation.SampleEvaluation;
import dev.gavel.training.rollout.Sample;
import dev.gavel.training.rollout.SampleFile;
import dev.gavel.training.teacher.ConclusionParser;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Evaluates a file of sampled responses against the judged pairs that they answer. */
final class SampleCheck {
  private SampleCheck() {}

  /**
   * Reads and evaluates.
   *
   * @param file as {@code gavel train sample} writes it; pairs without samples do not count
   * @throws IllegalArgumentException if no pair has samples, or the file is not what it should be
   */
  static SampleEvaluation of(Path file, List<Label> labels, List<Judgment> pairs) {
    Map<String, List<Sample>> samples = new SampleFile(file, labels).read();
    ConclusionParser parser = new ConclusionParser(labels);
    List<List<Hallucination.Response>> responses = new ArrayList<>();
    for (Judgment pair : pairs) {
      List<Sample> own = samples.getOrDefault(pair.id(), List.of());
      if (!own.isEmpty()) {
        int truth = GradeIndex.of(labels, pair);
        responses.add(
            own.stream()
                .map(
                    each ->
                        new Hallucination.Response(truth, each.label(), parser.parse(each.text())))
                .toList());
      }
    }
    if (responses.isEmpty()) {
      throw new IllegalArgumentException(
          file + ": expected samples of the judged pairs, found none of them");
    }
    return SampleEvaluation.of(labels, responses);
  }
}
