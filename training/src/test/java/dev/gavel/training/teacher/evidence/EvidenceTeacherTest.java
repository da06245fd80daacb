package dev.gavel.training.teacher.evidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.training.Labels;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.teacher.ConclusionParser;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.ReasoningSteps;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvidenceTeacherTest {
  private final EvidenceTeacher teacher = new EvidenceTeacher(Labels.WORDS, true);

  private static Item item(String title, String description, Attribute... attributes) {
    return new Item("", "", title, description, List.of(attributes));
  }

  private String text(String query, Item item) {
    return teacher
        .teach(Judgment.graded("1", query, item, 4), OptionalInt.empty())
        .map(Lesson::reasoning)
        .orElse("");
  }

  @Test
  void writesTheFiveSteps() {
    assertEquals(
        "Query: lights (led christmas). Item: operated train christmas lights. Category: same."
            + " Attributes: has christmas; missing led. Decision: 3-Related.",
        text(
            "LED christmas lights",
            item("Battery Operated Train Christmas Lights, Clear Wire", "")));
  }

  /** What a shopper would say of the pair: category, then attributes. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "snow boots         | Snow Boot, Charcoal                  | same      | has snow",
        "punch bowl         | Crystal Punch Bowls                  | same      | has punch",
        "doorbell           | Wireless Door Bell                   | same      | none asked",
        "wireless door bell | Wireless Doorbell                    | same      | has wireless door",
        "tshirt             | Cotton T-Shirt                       | same      | none asked",
        "running shoe       | Women's Running Shoes, Grey          | same      | has running",
        "headphnes          | Wireless Headphones                  | same      | none asked",
        "sofa               | Brown Leather Couch                  | same      | none asked",
        "shoes not leather  | Men's Leather Oxford Shoes           | same      | unwanted leather",
        "shoes not leather  | Canvas Sneakers                      | different | has no leather; missing shoes",
        "shoes, not leather | Canvas Slip-On Shoes                 | same      | has no leather",
        "pan without lid    | Frying Pan with Lid                  | same      | unwanted lid",
        "non stick pan      | Tefal Non-Stick Pan                  | same      | has no stick",
        "non stick pan      | Carbon Steel Pan                     | same      | missing no stick",
        "cola with sugar    | Cola, sugar-free                     | same      | lacks sugar",
        "sugar free cola    | Cola, sugar-free                     | same      | has sugar free",
        "iphone             | Case for Apple iPhone, black         | accessory | none asked",
        "iphone             | iPhone 6 Case                        | accessory | none asked",
        "iphone case        | Case for Apple iPhone, black         | same      | has iphone",
        "vacuum             | Replacement Hose for Dyson Vacuum    | accessory | none asked",
        "coffee maker       | Water Filter compatible with Coffee Maker | accessory | has coffee",
        "laptop charger     | Dell Laptop with Charger             | close     | has laptop",
        "ecco shoes         | 3-Tier Utility Shoe Rack             | close     | missing ecco",
        "red dress          | Evening Dress, Navy Blue             | same      | navy not red",
        "men's boots        | Women's Suede Boots                  | same      | women not men",
        "kids helmet        | Men's Bicycle Helmet                 | same      | men not kids",
        "boys shoes         | Kids Running Shoes                   | same      | missing boys",
        "boys shoes         | Girl's Sandals Shoes                 | same      | girl not boys",
        "guitar             | Wooden Toy Train                     | different | missing guitar",
        "mens               | Socks for Men                        | same      | none asked",
      })
  void readsWhatAShopperWould(String query, String title, String category, String attributes) {
    String text = text(query, item(title, ""));
    ReasoningSteps steps = ReasoningSteps.of(text);
    assertEquals(category, steps.category().orElseThrow().written(), text);
    assertEquals(attributes, steps.attributes(), text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "20 inch monitor   | Dell 20\" LED Monitor                | has 20 inch",
        "20 inch monitor   | Dell 24-inch Monitor                 | 24 inch not 20 inch",
        "2 ft shelf        | Shelf 24 in. White                   | has 2 ft",
        "phone 64gb        | Phone 16 GB                          | 16 gb not 64 gb",
        "1 tb disk         | Disk, 1000GB                         | has 1 tb",
        "1/2 inch pipe     | PVC Pipe 0.5 in. x 10 ft.            | has 1/2 inch",
        "18 inch pillow    | Pillow 18 x 20 in.                   | has 18 inch",
        "1-1/4 in screw    | Screw 1.25 in                        | has 1-1/4 inch",
        "pack of 4 candles | Candles, 4-Pack                      | has 4 pack",
        "set of 6 glasses  | Glasses (8 pcs)                      | 8 pack not 6 pack",
        "5 gal bucket      | Bucket                               | missing 5 gal",
        "55 inch tv        | Samsung 55 LED TV                    | has 55 inch",
        "3 oz spray        | Spray 2 in 1                         | missing 3 oz",
        "1,000 ml bottle   | Bottle 1 l                           | has 1,000 ml",
      })
  void comparesMeasures(String query, String title, String attributes) {
    String text = text(query, item(title, ""));
    assertEquals(attributes, ReasoningSteps.of(text).attributes(), text);
  }

  @Test
  void descriptionAndAttributesCountForWhatTheyAre() {
    Item mug =
        item("Stoneware Mug", "Dishwasher safe, 12 oz.", new Attribute("color", "Crimson Red"));
    String text = text("insulated dishwasher safe red 12 oz mug", mug);
    assertTrue(
        text.contains("has red; mentions 12 oz, dishwasher safe; missing insulated. D"), text);
    String without =
        new EvidenceTeacher(Labels.WORDS, false)
            .teach(Judgment.graded("1", "dishwasher mug", mug, 4), OptionalInt.empty())
            .orElseThrow()
            .reasoning();
    assertTrue(without.contains("missing dishwasher"), without);
  }

  @Test
  void theKnownLabelIsTheDecision() {
    Judgment pair = Judgment.graded("1", "guitar", item("Wooden Toy Train", ""), 1);
    ConclusionParser parser = new ConclusionParser(Labels.WORDS);
    for (int label = 0; label < Labels.WORDS.size(); label++) {
      Lesson lesson = teacher.teach(pair, OptionalInt.of(label)).orElseThrow();
      assertEquals(OptionalInt.of(label), lesson.label());
      assertEquals(OptionalInt.of(label), parser.parse(lesson.reasoning()));
    }
    Lesson own = teacher.teach(pair, OptionalInt.empty()).orElseThrow();
    assertEquals(OptionalInt.of(3), own.label());
    assertEquals(own.label(), parser.parse(own.reasoning()));
  }

  @Test
  void decidesOnAnyNumberOfLabels() {
    List<Label> two = List.of(Labels.WORDS.get(0), Labels.WORDS.get(3));
    EvidenceTeacher own = new EvidenceTeacher(two, true);
    Judgment good = Judgment.graded("1", "red mug", item("Red Mug", ""), 4);
    Judgment bad = Judgment.graded("1", "red mug", item("Toy Train", ""), 4);
    assertEquals(OptionalInt.of(0), own.teach(good, OptionalInt.empty()).orElseThrow().label());
    assertEquals(OptionalInt.of(1), own.teach(bad, OptionalInt.empty()).orElseThrow().label());
  }

  @Test
  void saysNothingWhereThereIsNothing() {
    Judgment pair = Judgment.graded("1", "??", item("Toy Train", ""), 4);
    assertEquals(Optional.empty(), teacher.teach(pair, OptionalInt.of(0)));
    Judgment blank = Judgment.graded("1", "train", item("!!", ""), 4);
    assertEquals(Optional.empty(), teacher.teach(blank, OptionalInt.of(0)));
  }

  /** Whatever the texts, the steps are there, in few characters, and the same every time. */
  @Test
  void staysShortAndReadableOnAnything() {
    long seed = 20240611;
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    ConclusionParser parser = new ConclusionParser(Labels.WORDS);
    for (int i = 0; i < 200; i++) {
      Item item = item(noise(random, 60), noise(random, 200));
      Judgment pair = Judgment.graded("1", noise(random, 30), item, 4);
      OptionalInt known = OptionalInt.of(random.nextInt(Labels.WORDS.size()));
      Optional<Lesson> lesson = teacher.teach(pair, known);
      assertEquals(lesson, teacher.teach(pair, known));
      if (lesson.isPresent()) {
        String text = lesson.get().reasoning();
        assertTrue(text.length() <= 280, text); // one finding of each kind, cut, and the template
        assertTrue(ReasoningSteps.of(text).category().isPresent(), text);
        assertEquals(known, parser.parse(text), text);
      }
    }
  }

  private static String noise(SplittableRandom random, int words) {
    List<String> some =
        List.of(
            "red",
            "not",
            "12",
            "inch",
            "\"",
            "-",
            "case",
            "for",
            "without",
            "3/4",
            "(",
            "x",
            "non",
            "men's",
            "dreiundzwanzigtausendachthundertsechsundvierzig",
            "\u9774",
            "caf\u00e9",
            "ft.",
            "pack",
            "of",
            ":",
            "decision",
            "4",
            "1-Irrelevant",
            "shoes",
            "\ud83d\udc5f");
    return random
        .ints(random.nextInt(words + 1), 0, some.size())
        .mapToObj(some::get)
        .collect(Collectors.joining(random.nextInt(4) == 0 ? "" : " "));
  }
}
