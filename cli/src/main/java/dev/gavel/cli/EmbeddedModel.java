package dev.gavel.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** The model that comes with Gavel: {@code models/gavel-small} in checkout or distribution. */
public final class EmbeddedModel {
  private static final Path PLACE = Path.of("models", "gavel-small");

  private EmbeddedModel() {}

  /** Its directory, if this version comes with one. */
  public static Optional<Path> find() {
    return find(System.getenv("GAVEL_CHECKOUT"), System.getProperty("gavel.home"));
  }

  static Optional<Path> find(String... homes) {
    return Stream.of(homes)
        .filter(Objects::nonNull)
        .map(home -> Path.of(home).resolve(PLACE))
        .filter(directory -> Files.isRegularFile(directory.resolve("config.json")))
        .findFirst();
  }

  /**
   * The same.
   *
   * @param command to name in the message, such as {@code demo}
   * @throws CliException naming what to type if there is none
   */
  public static Path require(String command) {
    return find()
        .orElseThrow(
            () ->
                new CliException(
                    ExitCode.DATA,
                    "expected a model, found none: this version comes without one. Type: ./gavel "
                        + command
                        + " --model DIR, where DIR is a Hugging Face directory of a"
                        + " small instruct model, such as SmolLM2-135M-Instruct"));
  }
}
