package dev.gavel.relevance.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 that arrives in pieces: an incomplete character waits for the rest of its bytes; bytes that
 * cannot be UTF-8 become U+FFFD.
 */
final class Utf8Decoder {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] waiting = new byte[0]; // at most 3

  /** Adds bytes; returns the characters that are complete. */
  String add(byte[] bytes) {
    return decode(bytes, false);
  }

  /** Ends the text; an incomplete character becomes U+FFFD. */
  String finish() {
    return decode(new byte[0], true);
  }

  private String decode(byte[] bytes, boolean end) {
    ByteBuffer in = ByteBuffer.allocate(waiting.length + bytes.length);
    in.put(waiting).put(bytes).flip();
    CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
    decoder.decode(in, out, end);
    if (end) {
      decoder.flush(out);
      decoder.reset();
    }
    waiting = new byte[in.remaining()];
    in.get(waiting);
    return out.flip().toString();
  }
}
