package dev.gavel.training.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bytes that TensorBoard itself writes; see tools/goldens/training/events.py. */
class EventFileTest {
  private static final Path GOLDEN = Path.of("src/test/resources/goldens/events.json");

  @TempDir Path folder;

  private static void append(EventFile events, JsonNode step) throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    step.get("values").properties().forEach(e -> values.put(e.getKey(), e.getValue().asDouble()));
    events.append(
        new StepMetrics(step.get("step").asInt(), values), step.get("seconds").asDouble());
  }

  private byte[] written() throws IOException {
    return Files.readAllBytes(folder.resolve(EventFile.NAME));
  }

  @Test
  void writesWhatTensorBoardWrites() throws IOException {
    JsonNode golden = new ObjectMapper().readTree(GOLDEN.toFile());
    EventFile events = new EventFile(folder);
    for (JsonNode step : golden.get("steps")) {
      append(events, step);
    }
    assertArrayEquals(Base64.getDecoder().decode(golden.get("base64").asText()), written());
  }

  @Test
  void forgetsLaterStepsAndWhatWasCutOff() throws IOException {
    JsonNode steps = new ObjectMapper().readTree(GOLDEN.toFile()).get("steps");
    EventFile events = new EventFile(folder);
    events.forgetAfter(0); // there is no file yet
    assertFalse(Files.exists(folder.resolve(EventFile.NAME)));
    append(events, steps.get(0));
    append(events, steps.get(1));
    byte[] kept = written();
    append(events, steps.get(2));
    byte[] whole = written();
    events.forgetAfter(300);
    assertArrayEquals(kept, written());
    for (int cut : new int[] {1, 5, 13, whole.length - kept.length - 1}) {
      Files.write(folder.resolve(EventFile.NAME), Arrays.copyOf(whole, kept.length + cut));
      events.forgetAfter(Integer.MAX_VALUE);
      assertArrayEquals(kept, written(), cut + " bytes of the next record");
    }
  }
}
