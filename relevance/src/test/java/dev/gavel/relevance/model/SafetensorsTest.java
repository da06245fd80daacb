package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir Path directory;

  private Path file(long headerLength, byte[] header, int dataBytes) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + dataBytes);
    bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(headerLength).put(header);
    return Files.write(directory.resolve("model.safetensors"), bytes.array());
  }

  private Path file(String header, int dataBytes) throws IOException {
    byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
    return file(bytes.length, bytes, dataBytes);
  }

  private static void assertRefused(Path path, String message) {
    ModelFormatException error =
        assertThrows(ModelFormatException.class, () -> SafetensorsFile.open(path));
    assertTrue(error.getMessage().contains(message), error.getMessage());
    assertTrue(error.getMessage().startsWith("model.safetensors"), error.getMessage());
  }

  @Test
  void writtenTensorsAreRead() throws IOException {
    Path path = directory.resolve("model.safetensors");
    List<SafetensorsWriter.Tensor> tensors =
        List.of(
            new SafetensorsWriter.Tensor("b", DType.F32, 2, 3),
            new SafetensorsWriter.Tensor("a", DType.BF16, 13),
            new SafetensorsWriter.Tensor("scalar", DType.F32),
            new SafetensorsWriter.Tensor("none", DType.F16, 0, 4));
    byte[] data = new byte[24 + 26 + 4];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 7);
    }
    try (SafetensorsWriter writer = new SafetensorsWriter(path, tensors, Map.of("format", "pt"))) {
      writer.write(ByteBuffer.wrap(data, 0, 10));
      writer.write(ByteBuffer.wrap(data, 10, data.length - 10));
      assertFalse(Files.exists(path), "nothing is there before it is complete");
      writer.finish();
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    assertEquals(List.of("b", "a", "scalar", "none"), sortedByPlace(file));
    assertArrayEquals(new long[] {2, 3}, file.tensors().get("b").shape());
    assertEquals("BF16", file.tensors().get("a").dtype());
    try (SafetensorsFile.Data reader = file.data()) {
      ByteBuffer a = reader.read(file.tensors().get("a"));
      assertTrue(a.isDirect());
      assertEquals(ByteBuffer.wrap(data, 24, 26), a);
      assertEquals(ByteBuffer.wrap(data, 0, 24), reader.read(file.tensors().get("b")));
      assertEquals(ByteBuffer.wrap(data, 26, 4), reader.read(file.tensors().get("a"), 2, 4));
    }
  }

  private static List<String> sortedByPlace(SafetensorsFile file) {
    return List.copyOf(file.tensors().keySet());
  }

  @Test
  void unfinishedFilesLeaveNothing() throws IOException {
    Path path = directory.resolve("model.safetensors");
    SafetensorsWriter writer =
        new SafetensorsWriter(
            path, List.of(new SafetensorsWriter.Tensor("a", DType.F32, 4)), Map.of());
    writer.write(ByteBuffer.allocate(12));
    assertThrows(IllegalStateException.class, writer::finish);
    writer.close();
    try (var files = Files.list(directory)) {
      assertEquals(0, files.count());
    }
  }

  @Test
  void headersThatLieAreRefused() throws IOException {
    assertRefused(directory.resolve("model.safetensors"), "found no such file");
    assertRefused(
        Files.write(directory.resolve("model.safetensors"), new byte[5]),
        "expected at least 8 bytes");
    byte[] empty = "{}".getBytes(StandardCharsets.UTF_8);
    assertRefused(file(1_000_000, empty, 0), "header length: expected 2 to 2");
    assertRefused(file(-1, empty, 0), "found 18446744073709551615");
    assertRefused(file(0, empty, 0), "header length");
    assertRefused(file("not json", 0), "expected JSON");
    assertRefused(file("[1, 2]", 0), "expected a JSON object");
    assertRefused(file(3, new byte[] {'{', (byte) 0xFF, '}'}, 0), "expected UTF-8 JSON");
    assertRefused(file("{}", 4), "expected 0 bytes of tensors, found 4");
    assertRefused(file("{\"a\": ".repeat(2000) + "1" + "}".repeat(2000), 0), "expected JSON");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '`',
      value = {
        "F32 # [2] # [0, 12] # data_offsets: expected [begin, end] with begin <= end <= 8",
        "F32 # [2] # [8, 0] # data_offsets: expected [begin, end]",
        "F32 # [2] # [-8, 0] # data_offsets: expected integers of 0 and more, found -8",
        "F32 # [2] # [0] # data_offsets: expected [begin, end]",
        "F32 # [2] # [0, 99999999999999999999] # data_offsets: expected integers",
        "F32 # [3] # [0, 8] # data_offsets: expected 12 bytes (F32 [3]), found 8",
        "F16 # [2] # [0, 8] # data_offsets: expected 4 bytes (F16 [2]), found 8",
        "F32 # [-2] # [0, 8] # shape: expected integers of 0 and more, found -2",
        "F32 # [4294967296, 4294967296] # [0, 8] # shape: expected fewer than 2^63 bits",
        "F32 # 2 # [0, 8] # shape: expected an array of integers, found 2",
        "F99 # [2] # [0, 8] # dtype: expected one of",
        "F32 # [1] # [0, 4] # expected 4 bytes of tensors, found 8",
        "F32 # [1] # [4, 8] # tensor a: expected to begin at byte",
      })
  void tensorsThatLieAreRefused(String dtype, String shape, String offsets, String message)
      throws IOException {
    String header =
        String.format(
            "{\"a\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": %s}}",
            dtype.strip(), shape.strip(), offsets.strip());
    assertRefused(file(header, 8), message.strip());
  }

  @Test
  void overlapsHolesAndDuplicatesAreRefused() throws IOException {
    String a = "\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}";
    String b = "\"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [%d, %d]}";
    assertRefused(
        file("{" + a + ", " + String.format(b, 4, 12) + "}", 12), "overlaps the tensor before it");
    assertRefused(file("{" + a + ", " + String.format(b, 12, 20) + "}", 20), "leaves a hole");
    assertRefused(file("{" + a + ", " + a + "}", 8), "Duplicate field 'a'");
    assertRefused(
        file("{\"a\": {\"dtype\": \"F32\", \"shape\": [0], \"data_offset\": [0, 0]}}", 0),
        "a.data_offset: unknown key");
  }

  @Test
  void truncatedAndGrownFilesAreRefused() throws IOException {
    String header = "{\"a\": {\"dtype\": \"F32\", \"shape\": [100], \"data_offsets\": [0, 400]}}";
    assertRefused(
        file(header, 399), "data_offsets: expected [begin, end] with begin <= end <= 399");
    assertRefused(file(header, 401), "expected 400 bytes of tensors, found 401");
    SafetensorsFile file = SafetensorsFile.open(file(header, 400));
    file(header, 300);
    try (SafetensorsFile.Data data = file.data()) {
      assertThrows(ModelFormatException.class, () -> data.read(file.tensors().get("a")));
    }
  }

  @Test
  void halfFloatsRoundToNearestEven() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float wide = HalfFloats.fromF16((short) bits);
      float brain = HalfFloats.fromBf16((short) bits);
      if (!Float.isNaN(wide)) {
        assertEquals((short) bits, HalfFloats.toF16(wide));
      }
      if (!Float.isNaN(brain)) {
        assertEquals((short) bits, HalfFloats.toBf16(brain));
      }
    }
    assertEquals(HalfFloats.toF16(1f), HalfFloats.toF16(1f + 0x1p-11f), "ties go to even");
    assertEquals(
        HalfFloats.toF16(1f + 0x1p-9f), HalfFloats.toF16(1f + 0x1.8p-10f), "ties go to even");
    assertEquals(HalfFloats.toBf16(1f), HalfFloats.toBf16(1f + 0x1p-8f));
    assertEquals(0x7C00, HalfFloats.toF16(1e6f));
    assertTrue(Float.isNaN(HalfFloats.fromBf16(HalfFloats.toBf16(Float.NaN))));
    assertTrue(Float.isNaN(HalfFloats.fromF16(HalfFloats.toF16(Float.NaN))));
  }
}
