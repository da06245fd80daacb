package dev.gavel.training.dpo;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.rollout.Sample;
import dev.gavel.training.rollout.SampleEncoder;
import dev.gavel.training.sft.ResponseEncoder.Form;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Makes preferences of N samples a pair. If some are right: own right ones over own wrong ones
 * (self-correction). If none is: the teacher's answer, the pair's grade with its rationale, over
 * own wrong ones (oracle guidance). If all are, the pair teaches nothing.
 */
public final class PreferenceBuilder {
  /**
   * What became of the pairs.
   *
   * @param noTeacher pairs without a right sample and without the rationale that is needed instead
   * @param unsampled judged pairs without samples
   */
  public record Counts(
      int pairs, int selfCorrection, int oracle, int allRight, int noTeacher, int unsampled) {}

  /** Preferences, and what became of the pairs. */
  public record Built(List<Preference> preferences, Counts counts) {}

  private final RelevanceModel model;
  private final Form form;
  private final SampleEncoder encoder;
  private final int eachMax;
  private final long seed;

  /**
   * @param eachMax preferences of one pair, at most; no response is used twice but the teacher's
   * @param seed of the choice among samples
   */
  public PreferenceBuilder(RelevanceModel model, Form form, int eachMax, long seed) {
    if (eachMax < 1) {
      throw new IllegalArgumentException("eachMax: expected at least 1, found " + eachMax);
    }
    this.model = model;
    this.form = form;
    this.encoder = new SampleEncoder(model, form);
    this.eachMax = eachMax;
    this.seed = seed;
  }

  /**
   * Builds.
   *
   * @param pairs with grades of the label set
   * @param samples by the pairs' ids
   */
  public Built build(List<Judgment> pairs, Map<String, List<Sample>> samples) {
    List<Preference> out = new ArrayList<>();
    int self = 0;
    int oracle = 0;
    int allRight = 0;
    int noTeacher = 0;
    int unsampled = 0;
    for (Judgment pair : pairs) {
      List<Sample> own = samples.getOrDefault(pair.id(), List.of());
      int truth = GradeIndex.of(model.labels(), pair);
      long right = own.stream().filter(each -> each.label() == truth).count();
      if (own.isEmpty()) {
        unsampled++;
      } else if (right == own.size()) {
        allRight++;
      } else if (right > 0) {
        self++;
        out.addAll(selfCorrection(pair, truth, own));
      } else if (form != Form.LABEL_ONLY && pair.rationale().isBlank()) {
        noTeacher++;
      } else {
        oracle++;
        out.addAll(oracle(pair, truth, own));
      }
    }
    return new Built(
        List.copyOf(out), new Counts(pairs.size(), self, oracle, allRight, noTeacher, unsampled));
  }

  private List<Preference> selfCorrection(Judgment pair, int truth, List<Sample> own) {
    List<Sample> shuffled = shuffled(pair, own);
    List<Sample> right =
        shuffled.stream()
            .filter(each -> each.label() == truth)
            // What was cut off is no model to follow, as long as there is another.
            .sorted(Comparator.comparing(each -> !each.ended()))
            .toList();
    List<Sample> wrong = shuffled.stream().filter(each -> each.label() != truth).toList();
    int count = Math.min(eachMax, Math.min(right.size(), wrong.size()));
    List<Preference> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(preference(Preference.Kind.SELF_CORRECTION, pair, truth, right.get(i), wrong.get(i)));
    }
    return out;
  }

  private List<Preference> oracle(Judgment pair, int truth, List<Sample> own) {
    Sample teacher = Sample.ofText(truth, pair.rationale(), true);
    return shuffled(pair, own).stream()
        .limit(eachMax)
        .map(wrong -> preference(Preference.Kind.ORACLE, pair, truth, teacher, wrong))
        .toList();
  }

  private Preference preference(
      Preference.Kind kind, Judgment pair, int truth, Sample chosen, Sample rejected) {
    return new Preference(
        pair.id(), kind, truth, encoder.encode(pair, chosen), encoder.encode(pair, rejected));
  }

  /** The choice is the pair's own, whatever else is built. */
  private List<Sample> shuffled(Judgment pair, List<Sample> samples) {
    SplittableRandom random = new SplittableRandom(seed * 31 + pair.id().hashCode());
    List<Sample> out = new ArrayList<>(samples);
    for (int i = out.size() - 1; i > 0; i--) {
      java.util.Collections.swap(out, i, random.nextInt(i + 1));
    }
    return out;
  }
}
