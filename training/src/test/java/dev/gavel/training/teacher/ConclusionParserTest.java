package dev.gavel.training.teacher;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import dev.gavel.training.Labels;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConclusionParserTest {
  private final ConclusionParser parser = new ConclusionParser(Labels.WORDS);

  private static OptionalInt index(int found) {
    return found < 0 ? OptionalInt.empty() : OptionalInt.of(found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Category: same. Decision: 4-Excellent.        | 0",
        "Decision: 2                                   | 2",
        "Decision: 3.                                  | 1",
        "**Decision:** 3-related                       | 1",
        "**Decision**: Mismatch                        | 2",
        "5. Decision: Yes.                             | 0",
        "Decision: the item is irrelevant              | 3",
        "Decision: not excellent, but related          | 1",
        "Decision: 2-Mismatch, since 4 was asked       | 2",
        "Decision: 4. Later decision: 1.               | 3",
        "The final label is 3                          | 1",
        "Final answer: Partly                          | 2",
        "Grade = 1                                     | 3",
        "No heading, so it is Excellent.               | 0",
        "It is related to lamps. So a mismatch.        | 2",
        "It is related to lamps. No more is known.     | -1",
        "Yes it has 4 wheels.                          | -1",
        "Decision: 2.5                                 | -1",
        "Decision: non-related                         | -1",
        "Decision: none                                | -1",
        "Decision:                                     | -1",
        "'' | -1",
      })
  void readsTheConclusion(String text, int label) {
    assertEquals(index(label), parser.parse(text), text);
  }

  @Test
  void readsTheLineBehindTheHeading() {
    assertEquals(index(1), parser.parse("Decision:\n3-Related\n4 stars"));
    assertEquals(index(2), parser.parse("Decision: 2\nThis is excellent."));
  }

  @Test
  void namesOfOtherSetsAreReadAsTheyAre() {
    ConclusionParser own =
        new ConclusionParser(
            List.of(
                new Label("Exact", 1, List.of("E"), Tier.GOOD),
                new Label("Exact substitute", 0.1, List.of("S"), Tier.MID),
                new Label("C++ (other)", 0, List.of("C"), Tier.BAD)));
    assertEquals(index(0), own.parse("Decision: exact."));
    assertEquals(index(1), own.parse("Decision: exact substitute."));
    assertEquals(index(1), own.parse("Decision: 0.1"));
    assertEquals(index(2), own.parse("Decision: C++ (other)."));
    assertEquals(index(1), own.parse("Decision: S"));
  }
}
