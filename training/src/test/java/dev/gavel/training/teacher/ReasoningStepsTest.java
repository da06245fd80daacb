package dev.gavel.training.teacher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.training.teacher.ReasoningSteps.Category;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReasoningStepsTest {
  @Test
  void readsTheTemplate() {
    ReasoningSteps steps =
        ReasoningSteps.of("Category: accessory. Attributes: has 6 ft. Decision: 2-Mismatch.");
    assertEquals(Optional.of(Category.ACCESSORY), steps.category());
    assertEquals("has 6 ft", steps.attributes());
    assertFalse(steps.lacks());
  }

  @Test
  void readsWhatOthersWrite() {
    ReasoningSteps steps =
        ReasoningSteps.of(
            "1. Query understanding: a lamp.\n3. **Category match:** Different, a shade.\n"
                + "4. **Attribute match**: missing: red\n5. **Decision:** 2");
    assertEquals(Optional.of(Category.DIFFERENT), steps.category());
    assertEquals("missing: red", steps.attributes());
    assertTrue(steps.lacks());
  }

  @Test
  void nothingMissingIsNotALack() {
    assertFalse(ReasoningSteps.of("Attributes: has red; missing nothing.").lacks());
    assertFalse(ReasoningSteps.of("Attributes: missing: none. Decision: 4").lacks());
    assertFalse(ReasoningSteps.of("Attributes: has no leather.").lacks());
  }

  @Test
  void saysNothingOfOtherTexts() {
    ReasoningSteps steps = ReasoningSteps.of("It is the same category.");
    assertEquals(Optional.empty(), steps.category());
    assertEquals("", steps.attributes());
  }
}
