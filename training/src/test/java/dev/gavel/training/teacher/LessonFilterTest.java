package dev.gavel.training.teacher;

import static dev.gavel.training.Labels.WORDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.training.Labels;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.teacher.LessonFilter.Reason;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LessonFilterTest {
  private static final Judgment PAIR = Labels.pair("1", "red mug", "Red Mug", 4);
  private static final OptionalInt BEST = OptionalInt.of(0);

  private static LessonFilter filter(boolean wrong, boolean contra, int tokens, boolean twice) {
    return new LessonFilter(
        new LessonFilter.Options(wrong, contra, tokens, twice),
        WORDS.size(),
        new ConclusionParser(WORDS),
        text -> text.split(" ").length);
  }

  private static Lesson lesson(String text, int label) {
    return new Lesson(text, label < 0 ? OptionalInt.empty() : OptionalInt.of(label));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Category: same. Attributes: has red. Decision: 4-Excellent.                 | 0 | false",
        "Category: same. Attributes: has red. Decision: 3-Related.                   | 0 | true",
        "Category: different. Attributes: missing mug. Decision: 4-Excellent.        | 0 | true",
        "Category: accessory. Attributes: none asked. Decision: 4-Excellent.         | 0 | true",
        "Category: close. Attributes: none asked. Decision: 4-Excellent.             | 0 | false",
        "Category: different. Attributes: missing mug. Decision: 3-Related.          | 1 | false",
        "Category: same. Attributes: has red. Decision: 1-Irrelevant.                | 3 | true",
        "Category: same. Attributes: none asked. Decision: 1-Irrelevant.             | 3 | true",
        "Category: same. Attributes: missing red. Decision: 1-Irrelevant.            | 3 | false",
        "Category: same. Attributes: blue not red. Decision: 1-Irrelevant.           | 3 | false",
        "Category: same. Decision: 1-Irrelevant.                                     | 3 | false",
        "It is a red mug.                                                            | 3 | false",
      })
  void contradictionsAreDefined(String text, int label, boolean contradicts) {
    assertEquals(contradicts, filter(false, true, 0, false).contradicts(text, label), text);
  }

  @Test
  void theFirstReasonCounts() {
    LessonFilter all = filter(true, true, 3, true);
    Lesson wrong = lesson("Category: different. Decision: 3-Related.", 1);
    assertEquals(Optional.of(Reason.WRONG_LABEL), all.reject(PAIR, BEST, wrong));
    Lesson contrary = lesson("Category: different. Decision: 4-Excellent.", 0);
    assertEquals(Optional.of(Reason.CONTRADICTION), all.reject(PAIR, BEST, contrary));
    Lesson lengthy = lesson("Category: same. Decision: 4-Excellent.", 0);
    assertEquals(Optional.of(Reason.TOO_LONG), all.reject(PAIR, BEST, lengthy));
    Lesson good = lesson("Decision: 4-Excellent.", 0);
    assertEquals(Optional.empty(), all.reject(PAIR, BEST, good));
    assertEquals(Optional.of(Reason.DUPLICATE), all.reject(PAIR, BEST, good));
    Judgment other = Labels.pair("2", "blue mug", "Red Mug", 4);
    assertEquals(Optional.empty(), all.reject(other, BEST, good));
  }

  @Test
  void filtersAreOptions() {
    LessonFilter none = filter(false, false, 0, false);
    Lesson wrong = lesson("Category: different. Decision: 3-Related.", 1);
    assertEquals(Optional.empty(), none.reject(PAIR, BEST, wrong));
    assertEquals(Optional.empty(), none.reject(PAIR, BEST, wrong));
    assertThrows(
        IllegalArgumentException.class, () -> new LessonFilter.Options(true, true, -1, true));
  }

  @Test
  void aTextThatNamesNoLabelIsNotWrong() {
    LessonFilter all = filter(true, true, 0, false);
    assertEquals(Optional.empty(), all.reject(PAIR, BEST, lesson("It is a red mug.", -1)));
  }

  @Test
  void withoutAJudgedLabelTheTeachersOwnCounts() {
    LessonFilter all = filter(true, true, 0, false);
    Lesson own = lesson("Category: different. Decision: 1-Irrelevant.", 3);
    assertEquals(Optional.empty(), all.reject(PAIR, OptionalInt.empty(), own));
    Lesson contrary = lesson("Category: different. Decision: 4-Excellent.", 0);
    assertTrue(all.reject(PAIR, OptionalInt.empty(), contrary).isPresent());
    assertFalse(all.reject(PAIR, OptionalInt.empty(), lesson("It is.", -1)).isPresent());
  }
}
