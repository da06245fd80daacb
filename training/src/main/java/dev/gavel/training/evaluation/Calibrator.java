package dev.gavel.training.evaluation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.model.Manifest;
import dev.gavel.relevance.model.ManifestWriter;
import dev.gavel.relevance.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a threshold found on a development set into a model's manifest. */
public final class Calibrator {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Calibrator() {}

  /**
   * Sets {@code tier_threshold} of {@code gavel.json}; everything else stays as it is. Where there
   * is no manifest it is written whole, with the defaults that the threshold was found with.
   */
  public static void write(Path directory, double threshold) throws IOException {
    if (!(threshold > 0 && threshold <= 1)) {
      throw new IllegalArgumentException(
          "threshold: expected more than 0, at most 1, found " + threshold);
    }
    Path file = directory.resolve(Manifest.FILE);
    if (!Files.exists(file)) {
      ManifestWriter.write(
          ModelDirectory.manifest(directory).withTierThreshold(threshold), directory);
      return;
    }
    JsonNode found = MAPPER.readTree(file.toFile());
    if (!found.isObject()) {
      throw new IllegalArgumentException(file + ": expected a JSON object, found another value");
    }
    ObjectNode manifest = (ObjectNode) found;
    manifest.put("tier_threshold", threshold);
    Path partial = file.resolveSibling(Manifest.FILE + ".partial");
    Files.writeString(
        partial, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(manifest) + "\n");
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
