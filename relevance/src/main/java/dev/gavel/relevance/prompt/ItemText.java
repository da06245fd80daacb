package dev.gavel.relevance.prompt;

/**
 * An item as one text: title, attributes, description, in this order, so that cutting from the end
 * cuts the description first, then the last attributes, and the title last.
 *
 * @param text at most the characters that were allowed; empty where there is a problem
 * @param cutChars characters left out
 * @param problem why there is no text, or null
 */
record ItemText(String text, int cutChars, String problem) {

  static ItemText bad(String problem) {
    return new ItemText("", 0, problem);
  }

  /** Runs of white space and control characters become one space; none at the ends. */
  static String oneLine(String text) {
    char before = ' ';
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ' ' ? before == ' ' : isBlank(c)) {
        return oneLine(text, i);
      }
      before = c;
    }
    return before == ' ' && !text.isEmpty() ? text.substring(0, text.length() - 1) : text;
  }

  private static boolean isBlank(char c) {
    return c < 0x80
        ? c <= ' ' || c == 0x7f
        : Character.isWhitespace(c) || Character.isSpaceChar(c) || Character.isISOControl(c);
  }

  private static String oneLine(String text, int kept) {
    StringBuilder out = new StringBuilder(text.length()).append(text, 0, kept);
    boolean gap = false;
    if (kept > 0 && text.charAt(kept - 1) == ' ') {
      out.setLength(kept - 1);
      gap = true;
    }
    for (int i = kept; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isBlank(c)) {
        gap = out.length() > 0;
      } else {
        if (gap) {
          out.append(' ');
          gap = false;
        }
        out.append(c);
      }
    }
    return out.toString();
  }
}
