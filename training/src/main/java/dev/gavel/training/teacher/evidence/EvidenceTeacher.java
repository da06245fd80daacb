package dev.gavel.training.teacher.evidence;

import dev.gavel.relevance.Label;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.Teacher;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Fills a fixed template with what query and item state: templated evidence, not reasoning.
 *
 * <pre>{@code
 * Query: lights (led, christmas). Item: battery train christmas lights. Category: same.
 * Attributes: has christmas; missing led. Decision: 3-Related.
 * }</pre>
 *
 * <p>Deterministic. The decision is the known label; without one it follows from category and
 * attributes. Texts are kept to 30 to 60 tokens, so that a small model can learn to write them.
 */
public final class EvidenceTeacher implements Teacher {
  private static final int WISHES = 5;
  private static final int HAS = 4;
  private static final int MENTIONS = 2;
  private static final int MISSING = 3;
  private static final int WRONG = 2;
  private static final int WORD_CHARS = 20;

  private final List<Label> labels;
  private final boolean readsDescriptions;

  /**
   * @param labels best first
   * @param readsDescriptions whether the item's description is evidence; without it, only what
   *     title and attributes state
   */
  public EvidenceTeacher(List<Label> labels, boolean readsDescriptions) {
    this.labels = List.copyOf(labels);
    this.readsDescriptions = readsDescriptions;
  }

  @Override
  public String name() {
    return "evidence";
  }

  @Override
  public int parallel() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public Optional<Lesson> teach(Judgment pair, OptionalInt known) {
    Evidence evidence =
        Evidence.of(QueryReading.of(pair.query()), ItemReading.of(pair.item(), readsDescriptions));
    int label = known.orElseGet(() -> decide(evidence));
    return Optional.of(new Lesson(text(evidence, labels.get(label).name()), OptionalInt.of(label)));
  }

  /** The label that the evidence alone suggests: thirds of the scale, best to worst. */
  private int decide(Evidence evidence) {
    double coverage = evidence.coverage();
    int rung =
        switch (evidence.category()) {
          case SAME -> evidence.wrong().isEmpty() && coverage >= 0.75 ? 0 : coverage >= 0.5 ? 1 : 2;
          case CLOSE -> coverage >= 0.5 ? 1 : 2;
          case ACCESSORY -> 2;
          case DIFFERENT -> evidence.has().isEmpty() ? 3 : 2;
        };
    return Math.round(rung * (labels.size() - 1) / 3f);
  }

  private static String text(Evidence evidence, String decision) {
    return "Query: "
        + query(evidence.query())
        + ". Item: "
        + evidence.itemPhrase()
        + ". Category: "
        + evidence.category().written()
        + ". Attributes: "
        + attributes(evidence)
        + ". Decision: "
        + decision
        + ".";
  }

  private static String query(QueryReading query) {
    List<String> wishes = new ArrayList<>();
    query.measures().forEach(measure -> wishes.add(measure.written()));
    query.wishes().forEach(wish -> wishes.add(wish.word().text()));
    Stream.concat(query.absent().stream(), query.unwanted().stream())
        .forEach(term -> wishes.add("no " + term.word().text()));
    String head = query.head().map(term -> cut(term.word().text())).orElse("anything");
    return wishes.isEmpty() ? head : head + " (" + list(wishes, WISHES) + ")";
  }

  private static String attributes(Evidence evidence) {
    List<String> parts = new ArrayList<>();
    add(parts, "has ", evidence.has(), HAS);
    add(parts, "mentions ", evidence.mentions(), MENTIONS);
    add(parts, "missing ", evidence.missing(), MISSING);
    add(parts, "wrong ", evidence.wrong(), WRONG);
    return parts.isEmpty() ? "none asked" : String.join("; ", parts);
  }

  private static void add(List<String> parts, String lead, List<String> words, int most) {
    if (!words.isEmpty()) {
      parts.add(lead + list(words, most));
    }
  }

  private static String list(List<String> words, int most) {
    return String.join(", ", words.stream().limit(most).map(EvidenceTeacher::cut).toList());
  }

  private static String cut(String text) {
    return text.length() <= WORD_CHARS ? text : text.substring(0, WORD_CHARS).strip();
  }
}
