package dev.gavel.training.teacher.endpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.training.teacher.TeacherException;
import dev.gavel.training.teacher.TeachingStoppedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/**
 * Asks for chat completions. An answer that was given before comes from the cache and costs
 * nothing. Failures that may pass (overload, faults of the server, timeouts, broken answers) are
 * tried again. Thread-safe.
 */
final class ChatClient {
  /** Statuses that may be another when asked again. */
  private static final Set<Integer> PASSING = Set.of(408, 409, 425, 429, 500, 502, 503, 504, 529);

  /** Statuses that will be the same for every pair. */
  private static final Set<Integer> HOPELESS = Set.of(401, 402, 403, 404, 405);

  /** Pairs that may fail one after the other. */
  private static final int FAILURES_IN_ROW = 10;

  /** A longer wait that the endpoint asks for ends the run. */
  private static final Duration RETRY_AFTER_MAX = Duration.ofMinutes(5);

  private static final int SHOWN_CHARS = 200;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Lets time pass; tests only note it. */
  interface Sleeper {
    void sleep(Duration wait) throws InterruptedException;
  }

  private final EndpointOptions options;
  private final Budget budget;
  private final AnswerCache cache;
  private final Backoff backoff;
  private final Sleeper sleeper;
  private final HttpClient http;
  private final AtomicInteger failures = new AtomicInteger();
  private volatile String stopped; // why nothing is sent any more, or null
  private final AtomicInteger cached = new AtomicInteger();

  ChatClient(EndpointOptions options, Budget budget) {
    this(options, budget, wait -> TimeUnit.NANOSECONDS.sleep(wait.toNanos()));
  }

  ChatClient(EndpointOptions options, Budget budget, Sleeper sleeper) {
    this.options = options;
    this.budget = budget;
    this.sleeper = sleeper;
    this.cache = new AnswerCache(options.cache());
    this.backoff = new Backoff(options.backoff(), RandomGenerator.getDefault(), Clock.systemUTC());
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(options.timeout())
            .build();
  }

  EndpointOptions options() {
    return options;
  }

  /** Answers that came from the cache. */
  int cached() {
    return cached.get();
  }

  /**
   * The text of the first choice.
   *
   * @param body of the request, without the model's name
   * @throws TeacherException if every attempt failed, or the request was refused
   * @throws TeachingStoppedException if the budget is spent, or nothing more can be hoped for
   */
  String ask(ObjectNode body) throws InterruptedException {
    String request = body.deepCopy().put("model", options.model()).toString();
    String key = options.completions() + "\n" + request;
    try {
      Optional<String> known = cache.get(key);
      if (known.isPresent()) {
        cached.incrementAndGet();
        return known.get();
      }
      if (stopped != null) {
        throw new TeachingStoppedException(stopped);
      }
      String answer = send(request);
      cache.put(key, answer);
      failures.set(0);
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(options.cache() + ": answers cannot be kept", e);
    } catch (TeachingStoppedException e) {
      stopped = e.getMessage();
      throw e;
    } catch (TeacherException e) {
      if (failures.incrementAndGet() >= FAILURES_IN_ROW) {
        stopped =
            FAILURES_IN_ROW + " pairs failed one after the other, the last: " + e.getMessage();
        throw new TeachingStoppedException(stopped);
      }
      throw e;
    }
  }

  /** One attempt: either an answer, or why not and whether to try again. */
  private record Attempt(String answer, String problem, Duration pause, Throwable cause) {
    static Attempt failed(String problem, Throwable cause) {
      return new Attempt(null, problem, null, cause);
    }
  }

  private String send(String request) throws InterruptedException {
    for (int attempt = 1; ; attempt++) {
      budget.request();
      Attempt made = attempt(request);
      if (made.answer() != null) {
        return made.answer();
      }
      if (attempt == options.attempts()) {
        throw new TeacherException(
            options.url() + ": " + made.problem() + ", after " + attempt + " attempts",
            made.cause());
      }
      sleeper.sleep(made.pause() != null ? made.pause() : backoff.after(attempt));
    }
  }

  private Attempt attempt(String request) throws InterruptedException {
    HttpRequest.Builder post =
        HttpRequest.newBuilder(options.completions())
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(request, StandardCharsets.UTF_8));
    if (!options.apiKey().isEmpty()) {
      post.header("Authorization", "Bearer " + options.apiKey());
    }
    // The timeout of HttpRequest ends with the headers; this one covers the body as well.
    CompletableFuture<HttpResponse<String>> sent =
        http.sendAsync(post.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    try {
      return read(sent.get(options.timeout().toNanos(), TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return Attempt.failed("expected an answer within " + options.timeout().toMillis() + " ms", e);
    } catch (ExecutionException e) {
      return Attempt.failed("expected an answer, found " + e.getCause(), e.getCause());
    } finally {
      sent.cancel(true);
    }
  }

  private Attempt read(HttpResponse<String> response) {
    int status = response.statusCode();
    if (status == 200) {
      return answer(response.body());
    }
    String problem = "expected status 200, found " + status + ": " + shown(response.body());
    if (HOPELESS.contains(status)) {
      throw new TeachingStoppedException(options.url() + ": " + problem);
    }
    if (!PASSING.contains(status)) {
      throw new TeacherException(options.url() + ": " + problem);
    }
    Optional<Duration> wait = backoff.retryAfter(response.headers());
    if (wait.isPresent() && wait.get().compareTo(RETRY_AFTER_MAX) > 0) {
      throw new TeachingStoppedException(
          options.url() + ": asks to come back after " + wait.get().toSeconds() + " s");
    }
    return new Attempt(null, problem, wait.orElse(null), null);
  }

  private Attempt answer(String body) {
    try {
      JsonNode json = MAPPER.readTree(body);
      budget.spend(Math.max(0, json.path("usage").path("total_tokens").asLong(0)));
      JsonNode text = json.path("choices").path(0).path("message").path("content");
      if (text.isTextual() && !text.asText().isBlank()) {
        return new Attempt(text.asText(), null, null, null);
      }
      return Attempt.failed("expected choices[0].message.content, found " + shown(body), null);
    } catch (JsonProcessingException e) {
      return Attempt.failed("expected JSON, found " + shown(body), e);
    }
  }

  private static String shown(String body) {
    String line = body.strip().replaceAll("\\s+", " ");
    return line.length() <= SHOWN_CHARS ? line : line.substring(0, SHOWN_CHARS) + "…";
  }
}
