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
 * @param wrong what the item states against a wish, such as {@code pink not red}
 */
record Evidence(
    QueryReading query,
    Category category,
    String itemPhrase,
    List<String> has,
    List<String> mentions,
    List<String> missing,
    List<String> wrong) {

  static Evidence of(QueryReading query, ItemReading item) {
    Category category = category(query, item);
    Optional<Segment> shown =
        category == Category.SAME ? query.head().flatMap(item::with) : Optional.empty();
    String phrase = shown.or(item::main).map(Segment::phrase).orElse("nothing named");
    Evidence out =
        new Evidence(
            query,
            category,
            phrase,
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>(),
            new ArrayList<>());
    if (category == Category.DIFFERENT) {
      query.head().ifPresent(head -> out.missing.add(head.word().text()));
    }
    query.measures().forEach(measure -> out.compare(measure, item));
    query.wishes().forEach(wish -> out.compare(wish, item));
    query.absent().forEach(absent -> out.compareAbsent(absent, item, true));
    query.unwanted().forEach(unwanted -> out.compareAbsent(unwanted, item, false));
    return out;
  }

  private static Category category(QueryReading query, ItemReading item) {
    if (query.head().isEmpty()) {
      return Category.SAME;
    }
    Term head = query.head().get();
    Optional<Segment> place = item.with(head);
    if (place.isEmpty()) {
      boolean named = head.isNearlyIn(item.stated());
      boolean described = head.isIn(item.described());
      return named ? Category.SAME : described ? Category.CLOSE : Category.DIFFERENT;
    }
    if (!head.word().isNoun()) {
      return Category.SAME; // a query without a thing, such as "mens"
    }
    Segment main = item.main().orElse(place.get());
    if (!query.asksAccessory() && isFor(main, head)) {
      return Category.ACCESSORY;
    }
    boolean beside =
        place.get().opener() == Segment.Opener.FOR || place.get().opener() == Segment.Opener.WITH;
    return beside && place.get() != main ? Category.CLOSE : Category.SAME;
  }

  /** Whether a title's main segment names something made for another thing. */
  private static boolean isFor(Segment main, Term head) {
    boolean accessory =
        main.head().filter(word -> Lexicon.ACCESSORIES.contains(word.stem())).isPresent();
    boolean replacement = main.words().stream().anyMatch(w -> w.stem().equals("replacement"));
    boolean isHead = main.head().filter(word -> head.keys().contains(word.stem())).isPresent();
    return (accessory || replacement) && !isHead;
  }

  private void compare(Measure asked, ItemReading item) {
    boolean bare = item.stated().contains(asked.number());
    if (bare || item.measures().stream().anyMatch(asked::same)) {
      has.add(asked.written());
    } else if (item.describedMeasures().stream().anyMatch(asked::same)) {
      mentions.add(asked.written());
    } else {
      item.measures().stream()
          .filter(asked::comparable)
          .findFirst()
          .ifPresentOrElse(
              other -> wrong.add(other.written() + " not " + asked.written()),
              () -> missing.add(asked.written()));
    }
  }

  private void compare(Term wish, ItemReading item) {
    Word word = wish.word();
    if (item.absent().contains(word.stem())) {
      wrong.add("no " + word.text());
    } else if (wish.isNearlyIn(item.stated())) {
      has.add(word.text());
    } else if (against(word, item).isPresent()) {
      wrong.add(against(word, item).get() + " not " + word.text());
    } else if (wish.isIn(item.described())) {
      mentions.add(word.text());
    } else {
      missing.add(word.text());
    }
  }

  /** A stated colour or audience that excludes the one asked for. */
  private static Optional<String> against(Word word, ItemReading item) {
    if (word.isColour()) {
      return item.stated(Lexicon.COLOURS).stream().findFirst();
    }
    if (word.isAudience()) {
      List<String> stated = item.stated(Lexicon.AUDIENCES);
      boolean all = stated.stream().allMatch(found -> Lexicon.excludes(word.stem(), found));
      return all ? stated.stream().findFirst() : Optional.empty();
    }
    return Optional.empty();
  }

  private void compareAbsent(Term unwanted, ItemReading item, boolean mustSay) {
    String text = unwanted.word().text();
    Set<String> absent = item.absent();
    if (absent.contains(unwanted.word().stem())) {
      has.add("no " + text);
    } else if (unwanted.isIn(item.stated())) {
      wrong.add("has " + text);
    } else if (mustSay) {
      missing.add("no " + text);
    } else {
      has.add("no " + text);
    }
  }

  /** Share of the wishes that are met; the description counts half, no wishes count as met. */
  double coverage() {
    int all = has.size() + mentions.size() + missing.size() + wrong.size();
    return all == 0 ? 1 : (has.size() + 0.5 * mentions.size()) / all;
  }
}
