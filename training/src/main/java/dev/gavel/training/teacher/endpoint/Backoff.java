package dev.gavel.training.teacher.endpoint;

import java.net.http.HttpHeaders;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * How long to wait before asking again: doubling, up to {@link #MAX}, less a random part of up to
 * half, so that parallel requests come back at different times; or as long as the endpoint says.
 */
record Backoff(Duration first, RandomGenerator random, Clock clock) {
  /** No wait of our own is longer. */
  static final Duration MAX = Duration.ofSeconds(60);

  /** The wait after failure number {@code failures}, from 1. */
  Duration after(int failures) {
    double nanos = first.toNanos() * Math.pow(2, failures - 1);
    double most = Math.min(nanos, MAX.toNanos());
    return Duration.ofNanos((long) (most * (1 - random.nextDouble() / 2)));
  }

  /** The header Retry-After, in seconds or as a date (RFC 9110, 10.2.3); never negative. */
  Optional<Duration> retryAfter(HttpHeaders headers) {
    return headers.firstValue("Retry-After").map(String::strip).flatMap(this::parse);
  }

  private Optional<Duration> parse(String value) {
    if (value.matches("\\d{1,9}")) {
      return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }
    try {
      ZonedDateTime until = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME);
      Duration wait = Duration.between(clock.instant(), until.toInstant());
      return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
