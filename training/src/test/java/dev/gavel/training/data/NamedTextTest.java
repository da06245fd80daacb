package dev.gavel.training.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamedTextTest {
  @TempDir Path folder;

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void readsBothForms() throws IOException {
    List<NamedText> expected =
        List.of(
            new NamedText("r1", "A case is an accessory: no phone.", "phones"),
            new NamedText("2", "Sizes must agree.", ""));
    assertEquals(
        expected,
        NamedText.read(
            file(
                "a.jsonl",
                """
                {"id": "r1", "text": "A case is an accessory: no phone.", "category": "phones"}

                {"id": 2, "text": " Sizes must agree. "}
                """),
            "text"));
    assertEquals(
        expected,
        NamedText.read(
            file(
                "a.txt",
                """
                # Rules
                r1 [phones]: A case is an accessory: no phone.

                2: Sizes must agree.
                """),
            "text"));
  }

  @Test
  void namesLineExpectedAndFound() throws IOException {
    wrong(file("a.jsonl", "{\"text\": \"x\"}"), "line 1: id: expected a text", "found nothing");
    wrong(file("b.jsonl", "{\"id\": 1}"), "line 1: text: expected a text", "found nothing");
    wrong(file("c.txt", "a: one\na: two"), "line 2: id: expected every id once", "found a again");
    wrong(file("d.txt", "a: one\nno colon"), "line 2: expected \"id: text\"", "found no colon");
    wrong(folder.resolve("none.txt"), "expected a file", "found nothing");
  }

  private static void wrong(Path file, String... parts) {
    Exception e = assertThrows(DataFormatException.class, () -> NamedText.read(file, "text"));
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }
}
