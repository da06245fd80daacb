package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentWriter;
import dev.gavel.training.run.Progress;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleAndDpoStageTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  @TempDir Path folder;
  private Path model;
  private Path data;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  @BeforeEach
  void make() throws IOException {
    model = folder.resolve("tiny");
    data = folder.resolve("pairs.jsonl");
    RandomModel.write(ModelShape.of("tiny"), model, 3, DType.F32);
    try (JudgmentWriter writer = new JudgmentWriter(data)) {
      for (int i = 0; i < 48; i++) {
        Item item = titled((i % 2 == 0 ? "red" : "blue") + " shoes " + i);
        Judgment pair = Judgment.graded("p" + i, "red shoes", item, i % 2 == 0 ? 4 : 1);
        writer.write(pair.withRationale(i % 2 == 0 ? " red" : " blue"));
      }
    }
  }

  private static Item titled(String title) {
    return new Item("", "", title, "", List.of());
  }

  private SampleConfig sampling(Path of, String... more) {
    String yaml =
        "model: "
            + of
            + "\ndata: "
            + data
            + "\nsamples: 4\ntokensMax: 6\nthreads: 1\nblocks: 256\n";
    return StageConfig.parse(yaml + String.join("\n", more), Map.of(), SampleConfig.class);
  }

  private DpoConfig preferring(Path samples, String... more) {
    String yaml =
        "model: "
            + model
            + "\ndata: "
            + data
            + "\nsamples: "
            + samples
            + "\nepochs: 6\nbatchPairs: 8\nlearningRate: 2e-3\npreferencesEach: 2\nnllWeight: 0.2\n";
    return StageConfig.parse(yaml + String.join("\n", more), Map.of(), DpoConfig.class);
  }

  private static JsonNode report(Path out) throws IOException {
    return MAPPER.readTree(out.resolve("report.json").toFile());
  }

  @Test
  void samplesTeachTheModelItsOwnCorrection() throws IOException {
    Path before = folder.resolve("before");
    new SampleStage(sampling(model)).run(before, Progress.SILENT);
    JsonNode sampled = report(before);
    double first = sampled.path("pass_at").path("all").path(0).asDouble();
    assertEquals(4, sampled.path("pass_at").path("all").size());
    assertTrue(sampled.path("pass_at").path("all").path(3).asDouble() > first);
    assertEquals(first, sampled.path("samples").path("accuracy").asDouble(), 1e-12);

    Path dpo = folder.resolve("dpo");
    Path samples = before.resolve(SampleStage.SAMPLES);
    new DpoStage(preferring(samples, "dev: " + data)).run(dpo, Progress.SILENT);
    JsonNode trained = report(dpo);
    assertEquals(48, trained.path("pairs").path("pairs").asInt());
    assertTrue(trained.path("pairs").path("self_correction").asInt() > 10, trained.toString());
    assertTrue(trained.path("pairs").path("oracle").asInt() > 0, trained.toString());
    assertTrue(trained.path("dev").path("dev_accuracy").asDouble() >= .5, trained.toString());
    // Started again, it is done.
    new DpoStage(preferring(samples, "dev: " + data)).run(dpo, Progress.SILENT);
    assertEquals(trained, report(dpo));

    Path after = folder.resolve("after");
    new SampleStage(sampling(dpo.resolve("model"))).run(after, Progress.SILENT);
    double last = report(after).path("pass_at").path("all").path(0).asDouble();
    assertTrue(first < .35 && last > .45, "pass@1 from " + first + " to " + last);
  }

  @Test
  void aStoppedRunGoesOnWithTheMissingPairs() throws IOException {
    Path whole = folder.resolve("whole");
    Path stopped = folder.resolve("stopped");
    for (String keep : List.of("text", "tokens")) {
      Path first = whole.resolve(keep);
      Path second = stopped.resolve(keep);
      SampleConfig config = sampling(model, "keep: " + keep, "form: think-first");
      new SampleStage(config).run(first, Progress.SILENT);
      String lines = Files.readString(first.resolve(SampleStage.SAMPLES));
      assertEquals(keep.equals("tokens"), lines.contains("\"log_probs\""));
      Files.createDirectories(second);
      String part = lines.substring(0, lines.length() / 3);
      Files.writeString(second.resolve(SampleStage.SAMPLES), part);
      new SampleStage(config).run(second, Progress.SILENT);
      assertEquals(
          new TreeSet<>(lines.lines().toList()),
          new TreeSet<>(Files.readAllLines(second.resolve(SampleStage.SAMPLES))));
      assertEquals(report(first), report(second));
    }
  }

  @Test
  void whatIsWrongIsNamed() throws IOException {
    try (JudgmentWriter writer = new JudgmentWriter(data)) {
      Judgment pair = Judgment.graded("twice", "q", titled("t"), 1);
      writer.write(pair);
      writer.write(pair);
    }
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> new SampleStage(sampling(model)).run(folder.resolve("x"), Progress.SILENT))
            .getMessage();
    assertEquals(data + ": expected every id once, found twice again", message);
    message =
        assertThrows(
                IllegalArgumentException.class,
                () -> preferring(data, "form: think-first", "dev: " + data))
            .getMessage();
    assertTrue(message.startsWith("dev: expected none with form think-first"), message);
    message =
        assertThrows(IllegalArgumentException.class, () -> sampling(model, "topP: 0")).getMessage();
    assertTrue(message.startsWith("top_p: "), message);
  }
}
