package dev.gavel.training.teacher;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The findings of a five-step reasoning that can be read back: the category's relation, the first
 * word behind {@code Category:}, and what stands behind {@code Attributes:}. Headings may say
 * {@code Category match:} and {@code Attribute match:}, and be numbered or marked up.
 *
 * @param category empty if the text does not say
 * @param attributes empty if the text does not say
 */
public record ReasoningSteps(Optional<Category> category, String attributes) {

  /** How the item's kind relates to the one asked for. */
  public enum Category {
    /** The thing asked for. */
    SAME,
    /** Something beside it or like it. */
    CLOSE,
    /** Something made for it. */
    ACCESSORY,
    /** Another thing. */
    DIFFERENT;

    public String written() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final Pattern CATEGORY =
      Pattern.compile(
          "\\bcategory(?: match)?\\W{0,4}:\\W*(same|close|accessory|different)\\b",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern ATTRIBUTES =
      Pattern.compile(
          "\\battributes?(?: match)?\\W{0,4}:\\W*(.*?)"
              + "(?=\\s*(?:\\d\\W{1,3})?\\W{0,3}\\bdecision\\b|\\n|$)",
          Pattern.CASE_INSENSITIVE);

  private static final Pattern LACKS =
      Pattern.compile(
          "\\b(?:missing|wrong|unwanted|lacks|not)\\b(?!:? (?:none|nothing))",
          Pattern.CASE_INSENSITIVE);

  public static ReasoningSteps of(String reasoning) {
    Matcher category = CATEGORY.matcher(reasoning);
    Matcher attributes = ATTRIBUTES.matcher(reasoning);
    return new ReasoningSteps(
        category.find()
            ? Optional.of(Category.valueOf(category.group(1).toUpperCase(Locale.ROOT)))
            : Optional.empty(),
        attributes.find() ? attributes.group(1).replaceFirst("[.\\s]+$", "") : "");
  }

  /** Whether the attributes name something that is missing or other than asked for. */
  public boolean lacks() {
    return LACKS.matcher(attributes).find();
  }
}
