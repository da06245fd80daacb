package dev.gavel.relevance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextLinesTest {
  @TempDir Path folder;

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] gzip(byte[] plain) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(plain);
    }
    return bytes.toByteArray();
  }

  private static List<String> lines(TextLines lines) throws IOException {
    try (lines) {
      List<String> out = new ArrayList<>();
      for (String line = lines.next(); line != null; line = lines.next()) {
        out.add(line);
        assertEquals(out.size(), lines.line());
      }
      return out;
    }
  }

  private static List<String> lines(byte[] bytes) throws IOException {
    return lines(TextLines.of(new ByteArrayInputStream(bytes)));
  }

  /** Lengths around that of the buffer, and characters of two to four bytes across its end. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 13, 65533, 65534, 65535, 65536, 65537, 200_000})
  void linesOfAnyLengthAreWhole(int length) throws IOException {
    String first = "a".repeat(length) + "é红😀";
    String text = "\uFEFF" + first + "\r\n\n" + "b".repeat(length) + "\r\r\nlast";
    List<String> expected = List.of(first, "", "b".repeat(length) + "\r", "last");
    assertEquals(expected, lines(utf8(text)));
    assertEquals(expected, lines(gzip(utf8(text))));
    assertEquals(expected, lines(utf8(text + "\n")), "a last line feed begins no line");
  }

  @Test
  void gzipIsToldByItsBytesAndMayHaveMembers() throws IOException {
    byte[] zipped = gzip(utf8("x\ny\n"));
    ByteArrayOutputStream twice = new ByteArrayOutputStream();
    twice.write(zipped);
    twice.write(zipped);
    Path packed = Files.write(folder.resolve("packed"), twice.toByteArray());
    assertEquals(List.of("x", "y", "x", "y"), lines(TextLines.open(packed)));
    Path plain = Files.writeString(folder.resolve("plain.gz"), "x");
    assertEquals(List.of("x"), lines(TextLines.open(plain)));
    assertEquals(List.of(), lines(new byte[0]));
    assertEquals(List.of("\u001f"), lines(new byte[] {0x1f}), "half of the mark of gzip");
    assertEquals(List.of(""), lines(utf8("\uFEFF\r\n")));
  }

  private static TextLines.UnreadableException refused(byte[] bytes) {
    return assertThrows(TextLines.UnreadableException.class, () -> lines(bytes));
  }

  @Test
  void otherBytesAreFoundInTheirLine() {
    byte[] text = utf8("fine\n".repeat(30_000) + "caf\u00e9\n" + "fine\n".repeat(10));
    byte[] cut = Arrays.copyOf(text, 30_000 * 5 + 4); // within the last character
    TextLines.UnreadableException error = refused(cut);
    assertEquals(30_001, error.line());
    assertEquals("expected UTF-8 text, found other bytes", error.getMessage());
  }

  @Test
  void brokenGzipIsNamed() throws IOException {
    byte[] whole = gzip(utf8("{}\n".repeat(1000)));
    for (int length = 2; length < whole.length; length++) {
      String message = refused(Arrays.copyOf(whole, length)).getMessage();
      assertTrue(message.startsWith("expected a readable file, found no whole gzip"), message);
    }
    byte[] other = whole.clone();
    other[whole.length - 6] ^= 1; // of the checksum
    assertTrue(refused(other).getMessage().contains("found no whole gzip data"));
  }

  @Test
  void absentFilesAndFoldersAreNamed() {
    Path absent = folder.resolve("absent");
    assertEquals(
        "expected a file, found nothing there",
        assertThrows(TextLines.UnreadableException.class, () -> TextLines.open(absent))
            .getMessage());
    assertEquals(
        "expected a readable file, found a folder",
        assertThrows(TextLines.UnreadableException.class, () -> TextLines.open(folder))
            .getMessage());
  }
}
