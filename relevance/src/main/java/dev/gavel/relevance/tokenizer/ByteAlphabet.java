package dev.gavel.relevance.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The characters by which byte-level tokenizers write bytes (GPT-2): printable Latin-1 bytes stand
 * for themselves, the other 68 for U+0100 and up, in order.
 */
public final class ByteAlphabet {
  private static final char[] CHARS = new char[256];
  private static final int[] BYTES = new int[256 + 68];

  static {
    Arrays.fill(BYTES, -1);
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
      CHARS[b] = (char) (printable ? b : next++);
      BYTES[CHARS[b]] = b;
    }
  }

  private ByteAlphabet() {}

  /** The character that writes a byte (0 to 255). */
  public static char character(int value) {
    return CHARS[value];
  }

  /** The bytes a piece writes; a piece with other characters is taken as plain text. */
  static byte[] bytes(String piece) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(piece.length());
    for (int i = 0; i < piece.length(); i++) {
      char c = piece.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0) {
        return piece.getBytes(StandardCharsets.UTF_8);
      }
      out.write(BYTES[c]);
    }
    return out.toByteArray();
  }
}
