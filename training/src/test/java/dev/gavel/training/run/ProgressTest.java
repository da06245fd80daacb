package dev.gavel.training.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicLong nanos = new AtomicLong();

  private static StepMetrics step(int step) {
    return new StepMetrics(step).with("loss", .5).with("pairs_per_second", 12);
  }

  private String text() {
    String text = bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    bytes.reset();
    return text;
  }

  @Test
  void theBarHasLossPaceAndTimeLeft() {
    Progress bar = new ProgressBar(out, nanos::get);
    bar.note("reading");
    assertEquals("\r\u001b[Kreading\n", text());
    bar.step(step(6), 24);
    assertEquals("\r\u001b[K[######..................] 6/24 loss 0.5000 12.0 pairs/s", text());
    nanos.addAndGet(240_000_000_000L);
    bar.step(step(8), 24);
    // Two steps took four minutes: sixteen take 32.
    assertEquals(
        "\r\u001b[K[########................] 8/24 loss 0.5000 12.0 pairs/s, 32:00 left", text());
    bar.step(new StepMetrics(24), 24);
    assertEquals("\r\u001b[K[########################] 24/24, 0:00 left\n", text());
  }

  @Test
  void linesComeNowAndThenAndAtTheEnd() {
    Progress lines = new ProgressLines(out, 2, nanos::get);
    for (int i = 1; i <= 5; i++) {
      lines.step(step(i), 5);
      nanos.addAndGet(3_600_000_000_000L);
    }
    assertEquals(
        "of 5 steps, step 2: loss 0.5000, pairs_per_second 12.00, 3:00:00 left\n"
            + "of 5 steps, step 4: loss 0.5000, pairs_per_second 12.00, 1:00:00 left\n"
            + "of 5 steps, step 5: loss 0.5000, pairs_per_second 12.00, 0:00 left\n",
        text());
  }
}
