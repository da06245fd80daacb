package dev.gavel.relevance.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The bytes of every token; a text is its tokens' bytes, one after the other, as UTF-8.
 *
 * <p>Two families of tokenizers decode like this: byte-level ones ({@code ByteLevel}), and those
 * that write a space as U+2581 and unknown bytes as {@code <0xNN>} ({@code Metaspace}, {@code
 * ByteFallback}).
 */
final class TokenBytes {
  private static final byte[] NONE = new byte[0];
  private static final Pattern BYTE = Pattern.compile("<0x([0-9A-Fa-f]{2})>");
  private static final Set<String> SPACED =
      Set.of("Replace", "ByteFallback", "Fuse", "Strip", "Metaspace");

  private final byte[][] bytes; // by id; empty where there is no such token
  private final boolean stripsFirstSpace;

  private TokenBytes(byte[][] bytes, boolean stripsFirstSpace) {
    this.bytes = bytes;
    this.stripsFirstSpace = stripsFirstSpace;
  }

  static TokenBytes of(TokenizerFile file) {
    List<JsonNode> steps = steps(file.decoder);
    boolean byteLevel = steps.stream().anyMatch(step -> type(step).equals("ByteLevel"));
    if (!byteLevel && !steps.stream().allMatch(step -> SPACED.contains(type(step)))) {
      throw unsupported(file.decoder);
    }
    byte[][] bytes = new byte[file.size()][];
    java.util.Arrays.fill(bytes, NONE);
    file.vocabulary.forEach(
        (piece, id) -> bytes[id] = byteLevel ? ByteAlphabet.bytes(piece) : spaced(piece));
    for (TokenizerFile.Added token : file.added) {
      bytes[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
    return new TokenBytes(bytes, !byteLevel && steps.stream().anyMatch(TokenBytes::strips));
  }

  private static List<JsonNode> steps(JsonNode decoder) {
    if (decoder == null || !decoder.isObject()) {
      throw unsupported(decoder);
    }
    if (!type(decoder).equals("Sequence")) {
      return List.of(decoder);
    }
    List<JsonNode> steps = new java.util.ArrayList<>();
    decoder.path("decoders").forEach(steps::add);
    if (steps.isEmpty()) {
      throw unsupported(decoder);
    }
    return steps;
  }

  private static ModelFormatException unsupported(JsonNode decoder) {
    return new ModelFormatException(
        TokenizerFile.NAME,
        "decoder: expected ByteLevel, Metaspace, or a Sequence of "
            + SPACED
            + ", found "
            + decoder);
  }

  private static String type(JsonNode step) {
    return step.path("type").asText();
  }

  private static boolean strips(JsonNode step) {
    return switch (type(step)) {
      case "Strip" -> step.path("start").asInt() > 0;
      case "Metaspace" ->
          !step.path("prepend_scheme").asText("always").equals("never")
              && step.path("add_prefix_space").asBoolean(true);
      default -> false;
    };
  }

  private static byte[] spaced(String piece) {
    Matcher matcher = BYTE.matcher(piece);
    return matcher.matches()
        ? new byte[] {(byte) Integer.parseInt(matcher.group(1), 16)}
        : piece.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
  }

  /** One more than the largest id. */
  int size() {
    return bytes.length;
  }

  /** Bytes of a token in the middle of a text; none for an id that is no token. Do not change. */
  byte[] of(int id) {
    return id >= 0 && id < bytes.length ? bytes[id] : NONE;
  }

  /** Bytes of a token at the beginning of a text. */
  byte[] first(int id) {
    byte[] all = of(id);
    return stripsFirstSpace && all.length > 0 && all[0] == ' '
        ? java.util.Arrays.copyOfRange(all, 1, all.length)
        : all;
  }
}
