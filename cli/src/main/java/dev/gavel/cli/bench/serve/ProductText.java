package dev.gavel.cli.bench.serve;

import java.util.SplittableRandom;

/** Texts of common words and numbers, of any length. */
final class ProductText {
  private static final String[] WORDS =
      ("adjustable aluminium android apple baby bag bamboo battery bike black blender blue bluetooth"
              + " boot bottle box brown brush cable camera candle case ceramic chair charger children"
              + " classic clock coat coffee cotton cover cup desk dog door dress dry fabric fan glass"
              + " gloves gold green grey hair hand hat heavy holder home hook indoor jacket jeans"
              + " kettle keyboard kitchen knife lamp large laptop leather lid light long machine mat"
              + " men metal mini mirror mouse mug music oak office oil orange outdoor oven pack pan"
              + " paper pen phone pillow pink plastic plate plug portable pot printed purple rack red"
              + " ring round rug running sandals set sheet shelf shirt shoes silicone silver skin sleeve"
              + " slim small soap sofa soft speaker spoon sports stainless stand steel storage summer"
              + " table tablet tea thermal toy travel tray vase wall warm watch water waterproof white"
              + " winter wireless women wood wool yellow")
          .split(" ");

  private static final int NUMBER_SHARE = 8; // one word in so many is a number
  private static final int NUMBER_MAX = 10_000;

  private ProductText() {}

  /** Text of {@code chars} characters, at least 1, that neither begins nor ends with a blank. */
  static String of(int chars, SplittableRandom random) {
    StringBuilder text = new StringBuilder(chars + 16);
    while (text.length() < chars) {
      if (text.length() > 0) {
        text.append(' ');
      }
      if (random.nextInt(NUMBER_SHARE) == 0) {
        text.append(random.nextInt(NUMBER_MAX));
      } else {
        text.append(WORDS[random.nextInt(WORDS.length)]);
      }
    }
    text.setLength(chars);
    if (text.charAt(chars - 1) == ' ') {
      text.setCharAt(chars - 1, 's');
    }
    return text.toString();
  }
}
