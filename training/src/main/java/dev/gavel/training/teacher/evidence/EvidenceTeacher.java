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
  /** About 80 tokens of SmolLM2's tokenizer; titles with many model numbers come closest. */
  private static final int TEXT_CHARS = 200;

  private static final int LIST_MAX = 5;
  private static final int FINDING_CHARS = 28;
  private static final int PHRASE_CHARS = 48;

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
    QueryReading query = QueryReading.of(pair.query());
    ItemReading item = ItemReading.of(pair.item(), readsDescriptions);
    if (query.isEmpty() || item.segments().isEmpty()) {
      return Optional.empty();
    }
    Evidence evidence = Evidence.of(query, item);
    int label = known.orElseGet(() -> decide(evidence));
    return Optional.of(new Lesson(text(evidence, labels.get(label).name()), OptionalInt.of(label)));
  }

  /** The label that the evidence alone suggests: thirds of the scale, best to worst. */
  private int decide(Evidence evidence) {
    double coverage = evidence.coverage();
    int rung =
        switch (evidence.category()) {
          case SAME -> evidence.wrong().isEmpty() && coverage >= 0.8 ? 0 : coverage >= 0.5 ? 1 : 2;
          case CLOSE -> coverage >= 0.5 ? 1 : 2;
          case ACCESSORY -> 2;
          case DIFFERENT -> evidence.has().isEmpty() ? 3 : 2;
        };
    return Math.round(rung * (labels.size() - 1) / 3f);
  }

  /** The text with as many findings of each kind as its length allows. */
  private static String text(Evidence evidence, String decision) {
    String text = "";
    for (int most = LIST_MAX; most >= 1; most--) {
      text = text(evidence, decision, most);
      if (text.length() <= TEXT_CHARS) {
        break;
      }
    }
    return text;
  }

  private static String text(Evidence evidence, String decision, int most) {
    return "Query: %s. Item: %s. Category: %s. Attributes: %s. Decision: %s."
        .formatted(
            query(evidence.query(), most),
            cut(evidence.itemPhrase(), PHRASE_CHARS),
            evidence.category().written(),
            attributes(evidence, most),
            decision);
  }

  private static String query(QueryReading query, int most) {
    List<Finding> wishes = new ArrayList<>();
    query.measures().forEach(measure -> wishes.add(Finding.alone(measure.written())));
    query.wishes().forEach(wish -> wishes.add(Finding.of(wish.word())));
    Stream.concat(query.absent().stream(), query.unwanted().stream())
        .forEach(term -> wishes.add(Finding.alone("no " + term.word().text())));
    String head =
        query.head().map(term -> cut(term.word().text(), FINDING_CHARS)).orElse("anything");
    return wishes.isEmpty() ? head : head + " (" + list(wishes, most) + ")";
  }

  private static String attributes(Evidence evidence, int most) {
    List<String> parts = new ArrayList<>();
    add(parts, "has ", evidence.has(), most);
    add(parts, "mentions ", evidence.mentions(), most);
    add(parts, "missing ", evidence.missing(), most);
    add(parts, "", evidence.wrong(), most);
    return parts.isEmpty() ? "none asked" : String.join("; ", parts);
  }

  private static void add(List<String> parts, String lead, List<Finding> findings, int most) {
    if (!findings.isEmpty()) {
      parts.add(lead + list(findings, most));
    }
  }

  private static String list(List<Finding> findings, int most) {
    List<Finding> first =
        findings.stream()
            .limit(most)
            .map(each -> new Finding(cut(each.text(), FINDING_CHARS), each.start(), each.end()))
            .toList();
    return String.join(", ", Finding.texts(first));
  }

  private static String cut(String text, int chars) {
    return text.length() <= chars ? text : text.substring(0, chars).strip();
  }
}
