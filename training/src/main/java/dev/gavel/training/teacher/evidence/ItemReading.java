package dev.gavel.training.teacher.evidence;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What an item says of itself.
 *
 * @param segments of the title
 * @param stated keys of the words in title and attributes
 * @param described keys of the words in the description
 * @param absent stems of what it says it lacks: "no sugar", "sugar-free"
 * @param measures in title and attributes
 * @param describedMeasures in the description
 */
record ItemReading(
    List<Segment> segments,
    Set<String> stated,
    Set<String> described,
    Set<String> absent,
    List<Measure> measures,
    List<Measure> describedMeasures) {

  /** Words of a description that are read; what stands later is seldom about the item. */
  private static final int DESCRIPTION_CHARS = 2000;

  static ItemReading of(Item item, boolean withDescription) {
    String title = item.title().isEmpty() ? item.text() : item.title();
    Text head = Text.of(title);
    Text attributes =
        Text.of(
            item.attributes().stream().map(Attribute::value).collect(Collectors.joining(" ; ")));
    String description = withDescription ? item.description() : "";
    Text body =
        Text.of(description.substring(0, Math.min(description.length(), DESCRIPTION_CHARS)));
    Set<String> stated = new HashSet<>(head.keys());
    stated.addAll(attributes.keys());
    Set<String> absent = new HashSet<>();
    Stream.of(head, attributes, body).forEach(text -> absent.addAll(text.absent()));
    return new ItemReading(
        Segment.of(head.found().rest(), head.words()),
        stated,
        body.keys(),
        absent,
        Stream.of(head, attributes).flatMap(text -> text.found().measures().stream()).toList(),
        body.found().measures());
  }

  /** One of the item's texts. */
  private record Text(Measure.Found found, List<Word> words) {
    static Text of(String text) {
      Measure.Found found = Measure.find(text);
      return new Text(found, Words.of(found.rest()));
    }

    /** Keys of the words, and the numbers of the measures, which a query may name alone. */
    Set<String> keys() {
      Set<String> keys = Term.keys(words);
      found.measures().forEach(measure -> keys.add(measure.number()));
      return keys;
    }

    Set<String> absent() {
      Set<String> out = new HashSet<>();
      for (int i = 0; i + 1 < words.size(); i++) {
        Word word = words.get(i);
        Word next = words.get(i + 1);
        if (Lexicon.NOT.contains(word.text()) || Lexicon.NO.contains(word.text())) {
          out.add(next.stem());
        }
        boolean hyphen = next.start() == word.end() + 1 && found.rest().charAt(word.end()) == '-';
        if (hyphen && next.text().equals("free")) {
          out.add(word.stem());
        }
      }
      return out;
    }
  }

  /** The first segment that names a thing. */
  Optional<Segment> main() {
    return segments.stream()
        .filter(segment -> segment.head().isPresent())
        .findFirst()
        .or(() -> segments.stream().findFirst());
  }

  /** The first segment that has the word. */
  Optional<Segment> with(Term term) {
    return segments.stream().filter(segment -> segment.has(term)).findFirst();
  }

  /** Words of a kind in title and attributes, in the title's order where they stand there. */
  List<String> stated(Set<String> kind) {
    List<String> out = new ArrayList<>();
    segments.forEach(s -> s.words().forEach(word -> add(out, kind, word.stem())));
    stated.stream().sorted().forEach(stem -> add(out, kind, stem));
    return out;
  }

  private static void add(List<String> out, Set<String> kind, String stem) {
    if (kind.contains(stem) && !out.contains(stem)) {
      out.add(stem);
    }
  }
}
