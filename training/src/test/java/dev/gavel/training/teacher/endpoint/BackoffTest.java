package dev.gavel.training.teacher.endpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static final Clock NOON =
      Clock.fixed(Instant.parse("2024-05-01T12:00:00Z"), ZoneOffset.UTC);
  private final Backoff backoff =
      new Backoff(Duration.ofMillis(100), new SplittableRandom(5), NOON);

  @Test
  void doublesUpToItsMaximum() {
    for (int failures = 1; failures <= 40; failures++) {
      double most = Math.min(100 * Math.pow(2, failures - 1), Backoff.MAX.toMillis());
      long wait = backoff.after(failures).toMillis();
      assertTrue(wait >= Math.floor(most / 2) && wait <= most, failures + ": " + wait);
    }
  }

  private Optional<Duration> header(String value) {
    return backoff.retryAfter(
        HttpHeaders.of(Map.of("Retry-After", List.of(value)), (name, each) -> true));
  }

  @Test
  void readsSecondsAndDates() {
    assertEquals(Optional.of(Duration.ofSeconds(7)), header(" 7 "));
    assertEquals(Optional.of(Duration.ofSeconds(90)), header("Wed, 01 May 2024 12:01:30 GMT"));
    assertEquals(Optional.of(Duration.ZERO), header("Wed, 01 May 2024 11:00:00 GMT"));
    assertEquals(Optional.empty(), header("soon"));
    assertEquals(
        Optional.empty(), backoff.retryAfter(HttpHeaders.of(Map.of(), (name, each) -> true)));
  }
}
