package dev.gavel.training.teacher.endpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Answers on disk, one file each, under the SHA-256 of what was asked. A file appears under its
 * name only when complete; one that cannot be read counts as absent. Safe for threads and for
 * processes that share a folder.
 */
final class AnswerCache {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private final Path home;

  AnswerCache(Path home) {
    this.home = home;
  }

  /** The answer to a request, if it is there. */
  Optional<String> get(String request) throws IOException {
    try {
      JsonNode kept = MAPPER.readTree(Files.readString(file(request)));
      // What was asked stands beside the answer, so that a file can be read by people.
      boolean same = kept.path("request").asText().equals(request);
      JsonNode answer = kept.path("answer");
      return same && answer.isTextual() ? Optional.of(answer.asText()) : Optional.empty();
    } catch (NoSuchFileException | com.fasterxml.jackson.core.JacksonException e) {
      return Optional.empty();
    }
  }

  void put(String request, String answer) throws IOException {
    Path file = file(request);
    Files.createDirectories(file.getParent());
    ObjectNode json = MAPPER.createObjectNode().put("request", request).put("answer", answer);
    Path partial = Files.createTempFile(file.getParent(), "answer", ".partial");
    Files.writeString(partial, MAPPER.writeValueAsString(json));
    Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private Path file(String request) {
    String name = hash(request);
    return home.resolve(name.substring(0, 2)).resolve(name.substring(2) + ".json");
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java runtime has SHA-256", e);
    }
  }
}
