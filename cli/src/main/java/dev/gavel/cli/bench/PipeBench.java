package dev.gavel.cli.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineException;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.LabelTable;
import java.util.stream.IntStream;

/**
 * An engine that is asked like the peers of {@code benchmarks/peers}: one order of JSON a line, one
 * answer a line. The orders are described in {@code benchmarks/peers/worker.py}; {@code ceiling} is
 * asked of Gavel alone.
 */
final class PipeBench {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final Engine engine;
  private final LabelTable labels;
  private final CeilingFlags ceilings;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  PipeBench(Engine engine, LabelTable labels, CeilingFlags ceilings) {
    this.engine = engine;
    this.labels = labels;
    this.ceilings = ceilings;
  }

  /** What an engine says before the first order. */
  ObjectNode about(String model) {
    EngineInfo info = engine.info();
    ObjectNode answer = object();
    answer
        .putObject("about")
        .put("engine", "gavel")
        .put("model", model)
        .put("variant", info.quantization().id())
        .put("device", info.device())
        .put("instruction_set", info.instructionSet())
        .put("threads", info.threads());
    return answer;
  }

  /** Answers one order; what is wrong with it is said in {@code error}. */
  ObjectNode answer(String line) {
    try {
      JsonNode order = MAPPER.readTree(line);
      String operation = order.path("op").asText();
      return switch (operation) {
        case "warm" -> warm(order);
        case "score" -> score(order);
        case "ceiling" -> ceiling(order);
        default ->
            error("op: expected warm, score or ceiling, found " + order.path("op").toString());
      };
    } catch (JsonProcessingException e) {
      return error("expected a line of JSON: " + e.getOriginalMessage());
    } catch (IllegalArgumentException | EngineException e) {
      return error(e.getMessage());
    }
  }

  private ObjectNode warm(JsonNode order) {
    for (int i = 0; i < 2; i++) {
      run(order);
    }
    ObjectNode answer = object().put("way", "one ragged batch");
    answer.putObject("seconds_by_way").set("one ragged batch", run(order).get("seconds"));
    return answer;
  }

  private ObjectNode score(JsonNode order) {
    ObjectNode answer = run(order);
    ArrayNode rows = answer.putArray("log_probabilities");
    for (int item = 0; item < order.path("items").size(); item++) {
      ArrayNode row = rows.addArray();
      for (float value : result.labelLogProbabilities(item)) {
        row.add(value);
      }
    }
    return answer;
  }

  /** Seconds, of the clock and of the CPU, from token ids in memory to scores in memory. */
  private ObjectNode run(JsonNode order) {
    int[] prefix = tokens("prefix", order.path("prefix"));
    JsonNode given = requireList("items", order.path("items"), "lists of token ids");
    int[][] items =
        IntStream.range(0, given.size())
            .mapToObj(i -> tokens("items[" + i + "]", given.get(i)))
            .toArray(int[][]::new);
    long cpuStart = CpuClock.nanos();
    long start = System.nanoTime();
    batch.clear();
    batch.labels(labels, false);
    int parent = batch.root(prefix);
    for (int[] item : items) {
      batch.child(parent, item);
      batch.score();
    }
    engine.run(batch, result);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return object()
        .put("seconds", seconds)
        .put("cpu_seconds", (CpuClock.nanos() - cpuStart) * 1e-9);
  }

  private ObjectNode ceiling(JsonNode order) {
    int rows = order.path("rows").asInt();
    if (rows < 1) {
      throw new IllegalArgumentException(
          "rows: expected at least 1, found " + order.path("rows").toString());
    }
    Ceiling found = ceilings.measure(engine, rows);
    return object()
        .put("giga_operations_per_second", found.gigaOperationsPerSecond())
        .put("provider", found.provider())
        .put("m", found.m())
        .put("n", found.n())
        .put("k", found.k())
        .put("gigabytes_per_second", found.gigabytesPerSecond())
        .put("note", found.note());
  }

  private static JsonNode requireList(String name, JsonNode found, String of) {
    if (!found.isArray() || found.isEmpty()) {
      throw new IllegalArgumentException(
          name + ": expected a list of " + of + ", found " + (found.isArray() ? "none" : found));
    }
    return found;
  }

  private int[] tokens(String name, JsonNode found) {
    JsonNode ids = requireList(name, found, "token ids");
    int vocabulary = engine.config().vocabulary();
    int[] tokens = new int[ids.size()];
    for (int i = 0; i < tokens.length; i++) {
      JsonNode id = ids.get(i);
      if (!id.isInt() || id.intValue() < 0 || id.intValue() >= vocabulary) {
        throw new IllegalArgumentException(
            String.format("%s[%d]: expected 0 to %d, found %s", name, i, vocabulary - 1, id));
      }
      tokens[i] = id.intValue();
    }
    return tokens;
  }

  private static ObjectNode error(String message) {
    return object().put("error", message);
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
