package dev.gavel.cli.items;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.v1.Attribute;
import dev.gavel.v1.Item;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ItemFileTest {
  private static final String LINES =
      """
      {"text": "red shoes"}

      {"id": 17, "title": "Schuh", "description": "rot", "attributes": {"size": 42, "new": true}}
      {"title": "鞋", "attributes": [{"name": "颜色", "value": "红"}], "price": 9.5, "url": "x"}
      """;

  @TempDir Path folder;

  private static InputStream stdin(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  private static CliException refused(byte[] bytes) {
    return assertThrows(
        CliException.class, () -> ItemFile.read(ItemFile.STDIN, new ByteArrayInputStream(bytes)));
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  @Test
  void readsEveryForm() throws IOException {
    ItemFile read = ItemFile.read("-", stdin(LINES));
    assertEquals(3, read.items().size());
    assertEquals(Item.newBuilder().setText("red shoes").build(), read.items().get(0));
    assertEquals(
        Item.newBuilder()
            .setId("17")
            .setTitle("Schuh")
            .setDescription("rot")
            .addAttributes(Attribute.newBuilder().setName("size").setValue("42"))
            .addAttributes(Attribute.newBuilder().setName("new").setValue("true"))
            .build(),
        read.items().get(1));
    assertEquals("红", read.items().get(2).getAttributes(0).getValue());
    assertEquals(Set.of("price", "url"), read.unknownFields());
  }

  @Test
  void readsFilesPlainGzippedAndWithAByteOrderMark() throws IOException {
    Path plain = Files.writeString(folder.resolve("with blank.jsonl"), "\uFEFF" + LINES);
    Path zipped = Files.write(folder.resolve("items.jsonl.gz"), gzip(LINES));
    ItemFile expected = ItemFile.read("-", stdin(LINES));
    assertEquals(expected, ItemFile.read(plain.toString(), stdin("")));
    assertEquals(expected, ItemFile.read(zipped.toString(), stdin("")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"titel\": \"x\"} | expected \"text\" or \"title\", found neither",
        "{\"text\": \"x\", \"title\": \"y\"} | found both",
        "[1] | expected a JSON object, found a list",
        "{\"text\": } | expected a JSON object, found: Unexpected character",
        "{\"text\": \"a\"} {} | expected a JSON object, found: Trailing",
        "{\"text\": \"a\", \"text\": \"b\"} | Duplicate field 'text'",
        "{\"text\": {\"a\": 1}} | text: expected a text, found an object",
        "{\"title\": \"a\", \"attributes\": 3} | attributes: expected an object or a list",
        "{\"title\": \"a\", \"attributes\": [{\"name\": \"x\"}]} | found {\"name\":\"x\"}",
      })
  void namesTheBadLine(String line, String message) {
    CliException thrown =
        refused(("{\"text\": \"fine\"}\n\n" + line).getBytes(StandardCharsets.UTF_8));
    assertTrue(thrown.getMessage().startsWith("standard input:3: "), thrown.getMessage());
    assertTrue(thrown.getMessage().contains(message), thrown.getMessage());
    assertEquals(ExitCode.DATA, thrown.exitCode());
  }

  @Test
  void namesABadFile() throws IOException {
    String missing = folder.resolve("none").toString();
    CliException thrown = assertThrows(CliException.class, () -> ItemFile.read(missing, stdin("")));
    assertEquals(missing + ": expected a file, found nothing there", thrown.getMessage());
    assertTrue(refused(new byte[0]).getMessage().contains("found no line"));
    assertTrue(refused(new byte[] {'"', (byte) 0xff, '"'}).getMessage().contains("UTF-8"));
    byte[] zipped = gzip(LINES);
    assertTrue(refused(Arrays.copyOf(zipped, zipped.length / 2)).getMessage().contains("gzip"));
    assertThrows(CliException.class, () -> ItemFile.read(folder.toString(), stdin("")));
  }
}
