package dev.gavel.training.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.training.data.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunTest {
  @TempDir Path folder;

  @Test
  void scheduleWarmsUpAndFallsAsACosine() {
    Schedule schedule = new Schedule(2, 4, 24, .1);
    assertEquals(.5, schedule.rate(0));
    assertEquals(2, schedule.rate(3));
    assertEquals(2, schedule.rate(4));
    assertEquals(2 * (.1 + .9 / 2), schedule.rate(14), 1e-15);
    assertEquals(.2, schedule.rate(24), 1e-15);
    assertEquals(.2, schedule.rate(99), 1e-15);
    assertEquals(1, new Schedule(1, 0, 5, 0).rate(0));
    assertThrows(IllegalArgumentException.class, () -> new Schedule(1, 6, 5, 0));
  }

  @Test
  void everyEpochSeesEveryExampleInPacksThatFit() {
    SplittableRandom random = new SplittableRandom(3);
    int[] lengths = IntStream.range(0, 103).map(i -> 1 + random.nextInt(40)).toArray();
    lengths[7] = 1000; // alone in its micro-batch, however long
    BatchPlan plan = new BatchPlan(Sampler.shuffled(103, 5), lengths, 13, 64);
    assertEquals(8, plan.stepsPerEpoch());
    for (int epoch = 0; epoch < 2; epoch++) {
      int[] seen = new int[103];
      for (int step = 8 * epoch; step < 8 * epoch + 8; step++) {
        assertEquals(epoch, plan.epoch(step));
        int before = Integer.MAX_VALUE;
        for (int[] micro : plan.step(step)) {
          int tokens = Arrays.stream(micro).map(i -> lengths[i]).sum();
          assertTrue(tokens <= 64 || micro.length == 1, "tokens " + tokens);
          for (int example : micro) {
            seen[example]++;
            assertTrue(lengths[example] <= before);
            before = lengths[example];
          }
        }
      }
      assertArrayEquals(IntStream.generate(() -> 1).limit(103).toArray(), seen);
    }
    // Steps can be asked for in any order.
    List<int[]> last = plan.step(15);
    plan.step(0);
    assertArrayEquals(last.get(0), plan.step(15).get(0));
  }

  private static ObjectNode config(int batch) {
    return JsonNodeFactory.instance.objectNode().put("stage", "sft").put("batch", batch);
  }

  @Test
  void aRunIsOnlyGoneOnWithUnderItsOwnConfig() throws IOException {
    RunDirectory.open(folder, config(3));
    RunDirectory.open(folder, config(3));
    IllegalArgumentException error =
        assertThrows(IllegalArgumentException.class, () -> RunDirectory.open(folder, config(4)));
    assertEquals(
        folder.resolve("config.json") + ": batch: expected 3, found 4", error.getMessage());
    assertThrows(
        IllegalArgumentException.class,
        () -> RunDirectory.open(folder, config(3).put("more", true)));
  }

  @Test
  void checkpointsAreFoundInLocalesWithOtherDigits() throws IOException {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG"));
    try {
      RunDirectory run = RunDirectory.open(folder, config(1));
      run.checkpoint(7, 1, into -> Files.writeString(into.resolve("state"), "s"));
      assertEquals(7, RunDirectory.step(run.latest().orElseThrow()));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void metricsOfUndoneStepsAreForgotten() throws IOException {
    RunDirectory run = RunDirectory.open(folder, config(1));
    for (int step = 1; step <= 5; step++) {
      run.log(new StepMetrics(step).with("loss", 1.0 / step));
    }
    Files.writeString(
        folder.resolve("metrics.jsonl"), "{\"step\": 6, \"lo", StandardOpenOption.APPEND);
    run.forgetAfter(3);
    assertEquals(3, run.metrics().size());
    assertEquals(1.0 / 3, run.metrics().get(2).get("loss").asDouble());
  }

  @Test
  void checkpointsAppearWhenCompleteAndOldOnesGo() throws IOException {
    RunDirectory run = RunDirectory.open(folder, config(1));
    for (int step : new int[] {5, 10, 15}) {
      run.checkpoint(step, 2, into -> Files.writeString(into.resolve("state"), "s" + step));
    }
    assertThrows(
        IOException.class,
        () ->
            run.checkpoint(
                20,
                2,
                into -> {
                  Files.writeString(into.resolve("state"), "half");
                  throw new IOException("disk full");
                }));
    Path latest = run.latest().orElseThrow();
    assertEquals(15, RunDirectory.step(latest));
    assertEquals("s15", Files.readString(latest.resolve("state")));
    assertFalse(Files.exists(folder.resolve("checkpoints/step-00000005")));
    assertTrue(Files.exists(folder.resolve("checkpoints/step-00000010")));
  }
}
