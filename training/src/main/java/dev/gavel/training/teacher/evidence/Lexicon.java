package dev.gavel.training.teacher.evidence;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The few words that shop texts use in a way of their own; by {@link Words stem}. */
final class Lexicon {
  private Lexicon() {}

  /** Each line's words mean its first. */
  private static final List<String> SAME =
      List.of(
          "men mens man male gentleman",
          "women womens woman female lady ladies",
          "boy boys",
          "girl girls",
          "kid kids child children youth junior",
          "baby infant newborn toddler",
          "gray grey silver-grey",
          "tv television hdtv",
          "bike bicycle",
          "sofa couch loveseat settee",
          "refrigerator fridge",
          "handbag purse",
          "tshirt tee",
          "sneaker trainer",
          "sunglasses sunglass",
          "glasses eyeglass",
          "earbud earphone",
          "headphone headset",
          "pants trousers pant trouser slacks",
          "cellphone smartphone",
          "rug carpet",
          "faucet tap",
          "flashlight torch",
          "jewelry jewellery",
          "color colour",
          "aluminum aluminium");

  private static final Map<String, String> CANONICAL = canonical();

  private static Map<String, String> canonical() {
    Map<String, String> out = new HashMap<>();
    for (String line : SAME) {
      String[] words = line.split(" ");
      for (String word : words) {
        out.put(word, words[0]);
      }
    }
    return Map.copyOf(out);
  }

  /** One word for all that mean the same. */
  static String canonical(String stem) {
    return CANONICAL.getOrDefault(stem, stem);
  }

  static final Set<String> COLOURS =
      Set.of(
          "black",
          "white",
          "red",
          "blue",
          "green",
          "yellow",
          "orange",
          "purple",
          "pink",
          "brown",
          "gray",
          "beige",
          "ivory",
          "gold",
          "silver",
          "navy",
          "teal",
          "turquoise",
          "burgundy",
          "maroon",
          "tan",
          "cream",
          "khaki",
          "olive",
          "lavender",
          "violet",
          "magenta",
          "coral",
          "bronze",
          "charcoal",
          "multicolor");

  static final Set<String> AUDIENCES = Set.of("men", "women", "boy", "girl", "kid", "baby");

  /** For whom an item is not if it is for the other. */
  static boolean excludes(String asked, String found) {
    boolean grown = asked.equals("men") || asked.equals("women");
    boolean foundGrown = found.equals("men") || found.equals("women");
    boolean male = asked.equals("men") || asked.equals("boy");
    boolean foundMale = found.equals("men") || found.equals("boy");
    boolean sexes =
        !Set.of("kid", "baby").contains(asked) && !Set.of("kid", "baby").contains(found);
    return grown != foundGrown || (sexes && male != foundMale);
  }

  /** Things that are made for another thing. */
  static final Set<String> ACCESSORIES =
      Set.of(
          "accessory",
          "case",
          "cover",
          "charger",
          "adapter",
          "adaptor",
          "cable",
          "cord",
          "protector",
          "skin",
          "sleeve",
          "pouch",
          "holder",
          "holster",
          "mount",
          "stand",
          "strap",
          "band",
          "bracket",
          "replacement",
          "refill",
          "battery",
          "filter",
          "remote",
          "part",
          "hinge",
          "lid",
          "decal",
          "sticker",
          "cartridge",
          "dock",
          "stylus",
          "bumper",
          "faceplate",
          "liner");

  /** What follows is what the item is for. */
  static final Set<String> FOR = Set.of("for", "fit", "fits", "compatible");

  /** What follows comes with the item or lies in it. */
  static final Set<String> WITH =
      Set.of("with", "w", "includes", "including", "include", "featuring");

  /** What follows describes what stands before. */
  static final Set<String> OF = Set.of("in", "by", "of", "from", "on", "at", "to", "like", "under");

  /** The next word is unwanted; an item that does not have it will do. */
  static final Set<String> NOT = Set.of("not", "without", "except", "minus");

  /** The next word is to be absent, and the item should say so. */
  static final Set<String> NO = Set.of("no", "non");

  /** Words without a meaning for relevance. */
  static final Set<String> EMPTY =
      Set.of(
          "a",
          "an",
          "the",
          "and",
          "or",
          "is",
          "are",
          "be",
          "it",
          "its",
          "this",
          "that",
          "my",
          "your",
          "our",
          "i",
          "you",
          "me",
          "we",
          "s",
          "t",
          "x",
          "w",
          "with",
          "for",
          "in",
          "of",
          "on",
          "at",
          "by",
          "to",
          "from",
          "as",
          "not",
          "no",
          "non",
          "without",
          "except",
          "minus",
          "best",
          "cheap",
          "buy",
          "online",
          "sale",
          "size",
          "sized",
          "fits",
          "fit",
          "compatible",
          "includes",
          "including",
          "include",
          "plus",
          "featuring",
          "like",
          "under",
          "looking",
          "want",
          "need",
          "some",
          "any",
          "good",
          "great",
          "how",
          "what",
          "when",
          "why",
          "who");

  /** Words that sell and never name the thing. */
  static final Set<String> SELLING =
      Set.of(
          "new",
          "brand",
          "free",
          "shipping",
          "ship",
          "priority",
          "fast",
          "official",
          "authentic",
          "genuine",
          "original",
          "nwt",
          "nwot",
          "rare",
          "hot",
          "deal",
          "assorted",
          "various",
          "pack",
          "set",
          "pair",
          "piece",
          "each",
          "usa",
          "us",
          "uk",
          "only",
          "quality",
          "premium");
}
