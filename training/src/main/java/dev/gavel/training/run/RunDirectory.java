package dev.gavel.training.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder of a run: {@code config.json}, {@code metrics.jsonl} with a line for each step, the
 * same as TensorBoard's {@code events.out.tfevents.*}, and {@code checkpoints/step-N}, which appear
 * under their names only when complete. Of several workers only the first writes.
 */
public final class RunDirectory {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The file of a checkpoint that holds the values of what is trained. */
  public static final String PARAMETERS = "parameters.pt";

  private static final String CONFIG = "config.json";
  private static final Pattern CHECKPOINT = Pattern.compile("step-\\d{8}");

  private final Path home;
  private final EventFile events;
  private final GradientExchange exchange;

  private RunDirectory(Path home, GradientExchange exchange) {
    this.home = home;
    this.events = new EventFile(home);
    this.exchange = exchange;
  }

  /** Writes into a checkpoint's folder. */
  @FunctionalInterface
  public interface Content {
    void write(Path folder) throws IOException;
  }

  /**
   * Opens a run, new or to be gone on with.
   *
   * @param config of the run, which must be that of a run that is already there
   * @throws IllegalArgumentException naming what differs
   */
  public static RunDirectory open(Path home, JsonNode config) throws IOException {
    return open(home, config, GradientExchange.ALONE);
  }

  /**
   * Opens the run of several workers, who all see the same folder. Worker 0 alone writes into it.
   *
   * @throws IllegalArgumentException in all of them, if one has another config than worker 0, or
   *     the run that is already there has
   */
  public static RunDirectory open(Path home, JsonNode config, GradientExchange exchange)
      throws IOException {
    List<String> configs = exchange.gather(config.toString());
    for (int rank = 1; rank < configs.size(); rank++) {
      requireSame(
          "worker " + rank + ", config unlike worker 0's",
          MAPPER.readTree(configs.get(0)),
          MAPPER.readTree(configs.get(rank)));
    }
    String problem = exchange.gather(exchange.writes() ? problem(home, config) : "").get(0);
    if (!problem.isEmpty()) {
      throw new IllegalArgumentException(problem);
    }
    return new RunDirectory(home, exchange);
  }

  /** Creates the folder, or checks the one that is there: empty, or what is wrong with it. */
  private static String problem(Path home, JsonNode config) throws IOException {
    try {
      create(home, config);
      return "";
    } catch (IllegalArgumentException e) {
      return e.getMessage();
    }
  }

  /**
   * Writes nothing.
   *
   * @throws IllegalArgumentException if {@code home} holds a run with another config, naming what
   *     differs
   */
  public static void requireSame(Path home, JsonNode config) throws IOException {
    Path file = home.resolve(CONFIG);
    if (Files.exists(file)) {
      requireSame(
          file.toString(), MAPPER.readTree(file.toFile()), MAPPER.readTree(config.toString()));
    }
  }

  private static void create(Path home, JsonNode config) throws IOException {
    requireSame(home, config);
    Files.createDirectories(home.resolve("checkpoints"));
    Path file = home.resolve(CONFIG);
    if (!Files.exists(file)) {
      writeWhole(file, MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n");
    }
  }

  private static void requireSame(String where, JsonNode before, JsonNode now) {
    for (Map.Entry<String, JsonNode> entry : before.properties()) {
      JsonNode found = now.get(entry.getKey());
      if (!entry.getValue().equals(found)) {
        throw new IllegalArgumentException(
            where + ": " + entry.getKey() + ": expected " + entry.getValue() + ", found " + found);
      }
    }
    now.fieldNames()
        .forEachRemaining(
            name -> {
              if (!before.has(name)) {
                throw new IllegalArgumentException(
                    where + ": " + name + ": expected nothing, found " + now.get(name));
              }
            });
  }

  private static void writeWhole(Path file, String text) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    Files.writeString(partial, text);
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }

  public Path home() {
    return home;
  }

  /** Between the workers of the run. */
  public GradientExchange exchange() {
    return exchange;
  }

  private Path metricsFile() {
    return home.resolve("metrics.jsonl");
  }

  /** Appends a line, and an event. */
  public void log(StepMetrics metrics) throws IOException {
    if (!exchange.writes()) {
      return;
    }
    ObjectNode json = MAPPER.createObjectNode().put("step", metrics.step());
    metrics.values().forEach(json::put);
    Files.writeString(
        metricsFile(),
        MAPPER.writeValueAsString(json) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    events.append(metrics, System.currentTimeMillis() * 1e-3);
  }

  /** The metrics logged so far. */
  public List<JsonNode> metrics() throws IOException {
    List<JsonNode> out = new ArrayList<>();
    if (Files.exists(metricsFile())) {
      for (String line : Files.readAllLines(metricsFile())) {
        out.add(MAPPER.readTree(line));
      }
    }
    return out;
  }

  /** Forgets the metrics of steps after {@code step}: they will be done again. */
  public void forgetAfter(int step) throws IOException {
    if (!exchange.writes()) {
      return;
    }
    StringBuilder kept = new StringBuilder();
    if (Files.exists(metricsFile())) {
      for (String line : Files.readAllLines(metricsFile())) {
        JsonNode json = readOrNull(line); // a line may have been cut off
        if (json != null && json.path("step").asInt(Integer.MAX_VALUE) <= step) {
          kept.append(line).append('\n');
        }
      }
      writeWhole(metricsFile(), kept.toString());
    }
    events.forgetAfter(step);
  }

  private static JsonNode readOrNull(String line) {
    try {
      return MAPPER.readTree(line);
    } catch (IOException e) {
      return null;
    }
  }

  /** Writes the checkpoint of a step; older ones than the last {@code keep} are removed. */
  public Path checkpoint(int step, int keep, Content content) throws IOException {
    Path folder =
        home.resolve("checkpoints").resolve(String.format(Locale.ROOT, "step-%08d", step));
    if (!exchange.writes()) {
      return folder;
    }
    Path partial = folder.resolveSibling(folder.getFileName() + ".partial");
    Folders.delete(partial);
    Folders.delete(folder);
    Files.createDirectories(partial);
    content.write(partial);
    Files.move(partial, folder);
    List<Path> all = checkpoints();
    for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
      Folders.delete(old);
    }
    return folder;
  }

  /** The checkpoint of the greatest step. */
  public Optional<Path> latest() throws IOException {
    List<Path> all = checkpoints();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The step of a checkpoint. */
  public static int step(Path checkpoint) {
    return Integer.parseInt(checkpoint.getFileName().toString().substring("step-".length()));
  }

  /** All complete checkpoints, the oldest first. */
  public List<Path> checkpoints() throws IOException {
    try (Stream<Path> folders = Files.list(home.resolve("checkpoints"))) {
      return folders
          .filter(folder -> CHECKPOINT.matcher(folder.getFileName().toString()).matches())
          .sorted()
          .toList();
    }
  }
}
