package dev.gavel.training.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.model.Manifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a threshold found on a development set into a model's manifest. */
public final class Calibrator {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Calibrator() {}

  /**
   * Sets {@code tier_threshold} of {@code gavel.json}; everything else stays as it is. The manifest
   * is made where there is none.
   */
  public static void write(Path directory, double threshold) throws IOException {
    if (!(threshold > 0 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "threshold: expected more than 0, at most 1, found " + threshold);
    }
    Path file = directory.resolve(Manifest.FILE);
    ObjectNode manifest = MAPPER.createObjectNode();
    if (Files.exists(file)) {
      JsonNode found = MAPPER.readTree(file.toFile());
      if (!found.isObject()) {
        throw new IllegalArgumentException(file + ": expected a JSON object, found another value");
      }
      manifest = (ObjectNode) found;
    }
    manifest.put("tier_threshold", threshold);
    Path partial = file.resolveSibling(Manifest.FILE + ".partial");
    Files.writeString(
        partial, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(manifest) + "\n");
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
