package dev.gavel.training.teacher.evidence;

import dev.gavel.training.teacher.ReasoningSteps.Category;
import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the texts say for and against a match.
 *
 * @param category how the item's kind relates to the one asked for
 * @param has wishes that title or attributes state
 * @param mentions wishes that only the description states
 * @param missing wishes that are nowhere
 * @param wrong what the item states against a wish: {@code pink not red}, {@code lacks sugar},
 *     {@code unwanted leather}
 */
record Evidence(
    QueryReading query,
    Category category,
    String itemPhrase,
    List<Finding> has,
    List<Finding> mentions,
    List<Finding> missing,
    List<Finding> wrong) {

  static Evidence of(QueryReading query, ItemReading item) {
    Evidence found =
        new Evidence(
            query,
            Category.SAME,
            "",
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>());
    query.measures().forEach(measure -> found.compare(measure, item));
    query.wishes().forEach(wish -> found.compare(wish, item));
    query.absent().forEach(absent -> found.compareAbsent(absent, item, true));
    query.unwanted().forEach(unwanted -> found.compareAbsent(unwanted, item, false));
    return found.withCategory(item);
  }

  private Evidence withCategory(ItemReading item) {
    Category category = category(item);
    Optional<Segment> shown =
        category == Category.SAME ? query.head().flatMap(item::with) : Optional.empty();
    String phrase = shown.or(item::main).map(Segment::phrase).orElse("nothing named");
    if (category == Category.DIFFERENT) {
      query.head().ifPresent(head -> missing.add(0, Finding.of(head.word())));
    }
    return new Evidence(query, category, phrase, has, mentions, missing, wrong);
  }

  private Category category(ItemReading item) {
    if (query.head().isEmpty()) {
      return Category.SAME;
    }
    Term head = query.head().get();
    Optional<Segment> place = item.with(head);
    if (place.isEmpty()) {
      boolean described = head.isIn(item.described());
      Category otherwise = described ? Category.CLOSE : Category.DIFFERENT;
      return head.isNearlyIn(item.stated()) ? Category.SAME : otherwise;
    }
    if (!head.word().isNoun()) {
      return Category.SAME; // a query without a thing, such as "mens"
    }
    Segment main = item.main().orElse(place.get());
    if (place.get() != main && place.get().opener() == Segment.Opener.WITH) {
      return Category.CLOSE;
    }
    if (!query.asksAccessory() && isAccessory(main) && !isHead(head, main)) {
      return Category.ACCESSORY;
    }
    boolean beside = place.get() != main && place.get().opener() == Segment.Opener.FOR;
    // A shoe rack for "ecco shoes"; but where all wishes are met, a 49ers towel for "49ers".
    boolean partly = !isHead(head, place.get()) && coverage() < 1;
    return beside || partly ? Category.CLOSE : Category.SAME;
  }

  private static boolean isHead(Term asked, Segment segment) {
    return segment.head().filter(word -> asked.isNearlyIn(Set.of(word.stem()))).isPresent();
  }

  /** Whether a segment names something made for another thing. */
  private static boolean isAccessory(Segment main) {
    return main.words().stream().anyMatch(word -> word.stem().equals("replacement"))
        || main.head().filter(word -> Lexicon.ACCESSORIES.contains(word.stem())).isPresent();
  }

  private void compare(Measure asked, ItemReading item) {
    boolean bare = item.stated().contains(asked.number());
    if (bare || item.measures().stream().anyMatch(asked::same)) {
      has.add(Finding.alone(asked.written()));
    } else if (item.describedMeasures().stream().anyMatch(asked::same)) {
      mentions.add(Finding.alone(asked.written()));
    } else {
      item.measures().stream()
          .filter(asked::comparable)
          .findFirst()
          .ifPresentOrElse(
              other -> wrong.add(Finding.alone(other.written() + " not " + asked.written())),
              () -> missing.add(Finding.alone(asked.written())));
    }
  }

  private void compare(Term wish, ItemReading item) {
    Word word = wish.word();
    if (item.absent().contains(word.stem()) && !asks("free")) { // but "sugar free gum"
      wrong.add(Finding.alone("lacks " + word.text()));
    } else if (wish.isNearlyIn(item.stated())) {
      has.add(Finding.of(word));
    } else if (against(word, item).isPresent()) {
      wrong.add(Finding.alone(against(word, item).get() + " not " + word.text()));
    } else if (wish.isIn(item.described())) {
      mentions.add(Finding.of(word));
    } else {
      missing.add(Finding.of(word));
    }
  }

  /** A stated colour or audience that excludes the one asked for. */
  private Optional<String> against(Word word, ItemReading item) {
    if (word.isColour()) {
      return item.stated(Lexicon.COLOURS).stream().filter(colour -> !asks(colour)).findFirst();
    }
    if (word.isAudience()) {
      List<String> stated = item.stated(Lexicon.AUDIENCES);
      boolean all = stated.stream().allMatch(found -> Lexicon.excludes(word.stem(), found));
      return all ? stated.stream().findFirst() : Optional.empty();
    }
    return Optional.empty();
  }

  private boolean asks(String stem) {
    return query.wishes().stream().anyMatch(wish -> wish.word().stem().equals(stem));
  }

  private void compareAbsent(Term unwanted, ItemReading item, boolean mustSay) {
    String text = unwanted.word().text();
    Set<String> absent = item.absent();
    if (absent.contains(unwanted.word().stem())) {
      has.add(Finding.alone("no " + text));
    } else if (unwanted.isIn(item.stated())) {
      wrong.add(Finding.alone("unwanted " + text));
    } else if (mustSay) {
      missing.add(Finding.alone("no " + text));
    } else {
      has.add(Finding.alone("no " + text));
    }
  }

  /** Share of what is asked for that is met, the thing itself included; a mention counts half. */
  double coverage() {
    int all = 1 + has.size() + mentions.size() + missing.size() + wrong.size();
    return (1 + has.size() + 0.5 * mentions.size()) / all;
  }
}
