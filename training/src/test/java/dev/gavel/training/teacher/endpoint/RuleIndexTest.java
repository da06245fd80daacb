package dev.gavel.training.teacher.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.training.data.NamedText;
import java.util.List;
import org.junit.jupiter.api.Test;

class RuleIndexTest {
  private static final List<NamedText> RULES =
      List.of(
          new NamedText("size", "A shoe of another size does not fit.", "shoes"),
          new NamedText("all", "Judge by the texts only.", "general"),
          new NamedText("case", "A case or cover for a phone is no phone.", "phones"),
          new NamedText("pack", "A pack of another count is related.", ""),
          new NamedText("cover", "A cover for a sofa is no sofa.", "furniture"));

  private static List<String> find(String query, String title, int most) {
    try (RuleIndex index = new RuleIndex(RULES)) {
      return index.find(query, title, most).stream().map(NamedText::id).toList();
    }
  }

  @Test
  void generalRulesComeFirstThenThoseThatFit() {
    assertEquals(List.of("all", "case", "cover"), find("phone", "Leather Phone Cover", 3));
    assertEquals(List.of("all", "size"), find("running shoes", "Nike Sneakers", 3));
    assertEquals(List.of("all", "cover"), find("sofas", "Couch", 1));
  }

  @Test
  void categoriesAreSearchedToo() {
    assertEquals(List.of("all", "cover"), find("furniture", "Oak Table", 3));
  }

  @Test
  void theQueryWeighsMoreThanTheTitle() {
    assertEquals(List.of("all", "cover", "case"), find("sofa cover", "Phone Cover", 5));
  }

  @Test
  void nothingFitsNothing() {
    assertEquals(List.of("all"), find("guitar", "Wooden Train", 5));
    assertEquals(List.of("all"), find("the of", "", 5));
    assertEquals(List.of("all"), find("phone", "Phone Case", 0));
    try (RuleIndex none = new RuleIndex(List.of())) {
      assertEquals(List.of(), none.find("phone", "Phone Case", 5));
    }
  }

  @Test
  void longTitlesAreSearched() {
    StringBuilder title = new StringBuilder("phone");
    for (int i = 0; i < 4097; i++) {
      title.append(" word").append(i);
    }
    assertEquals(List.of("all", "case"), find(title.toString(), title.toString(), 5));
  }
}
