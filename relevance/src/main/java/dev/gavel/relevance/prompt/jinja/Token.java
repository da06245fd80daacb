package dev.gavel.relevance.prompt.jinja;

/**
 * @param text for TEXT and STRING the text itself, for the others as written
 * @param line from 1
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    /** Text outside of tags. */
    TEXT,
    /** <code>{{</code>. */
    PRINT_BEGIN,
    /** <code>{%</code>. */
    BLOCK_BEGIN,
    /** <code>}}</code> or <code>%}</code>. */
    END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    EOF
  }

  boolean is(Kind expected, String expectedText) {
    return kind == expected && text.equals(expectedText);
  }
}
