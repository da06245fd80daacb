package dev.gavel.training.teacher.endpoint;

import static dev.gavel.training.Labels.WORDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import dev.gavel.training.Labels;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.NamedText;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.TeacherException;
import dev.gavel.training.teacher.TeachingStoppedException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120) // against hanging
class EndpointTeacherTest {
  private static final String ANSWER =
      """
      <think>A mug is a mug.</think>
      **Query:** mug, red
      2. Item: red stoneware mug
      - Category: same, a mug
      Attributes: has red
      Decision: 4-Excellent
      """;

  private static final Judgment PAIR = Labels.pair("1", "red mug", "Red Stoneware Mug", 4);
  private static final OptionalInt BEST = OptionalInt.of(0);

  @TempDir Path folder;
  private FakeEndpoint endpoint;
  private final List<Duration> waits = Collections.synchronizedList(new ArrayList<>());

  @BeforeEach
  void start() throws IOException {
    endpoint = new FakeEndpoint(user -> ANSWER);
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  private EndpointOptions options(int attempts, Duration timeout) {
    return new EndpointOptions(
        URI.create(endpoint.url() + "/"),
        "big",
        "secret",
        0,
        300,
        timeout,
        attempts,
        Duration.ofMillis(10),
        4,
        folder.resolve("cache"));
  }

  private EndpointTeacher teacher(Budget budget) {
    return teacher(options(3, Duration.ofSeconds(30)), budget);
  }

  private EndpointTeacher teacher(EndpointOptions options, Budget budget) {
    return new EndpointTeacher(
        new EndpointTeacher.Request(2, 50),
        new RuleIndex(
            List.of(
                new NamedText("g", "Judge by the texts.", "general"),
                new NamedText("m", "A mug set is no mug.", "mugs"))),
        WORDS,
        new ChatClient(options, budget, waits::add));
  }

  private static Budget unlimited() {
    return new Budget(0, 0);
  }

  private static Judgment numbered(int i) {
    return Labels.pair("p" + i, "red mug " + i, "Red Mug", 4);
  }

  @Test
  void asksForTheFiveStepsAndReadsThem() throws InterruptedException {
    Budget budget = unlimited();
    Lesson lesson = teacher(budget).teach(PAIR, BEST).orElseThrow();
    assertEquals(
        "Query: mug, red. Item: red stoneware mug. Category: same, a mug. Attributes: has red."
            + " Decision: 4-Excellent.",
        lesson.reasoning());
    assertEquals(BEST, lesson.label());
    assertEquals(1, budget.requests());
    assertEquals(100, budget.tokens());
    FakeEndpoint.Heard heard = endpoint.heard().get(0);
    assertEquals("/v1/chat/completions", heard.path());
    assertEquals("Bearer secret", heard.authorization());
    assertEquals("big", heard.body().path("model").asText());
    assertEquals(300, heard.body().path("max_tokens").asInt());
    String system = heard.body().path("messages").path(0).path("content").asText();
    assertTrue(system.contains("at most 50 words"), system);
    assertTrue(system.contains("4-Excellent, 3-Related, 2-Mismatch, 1-Irrelevant"), system);
    assertEquals(
        """
        Rules:
        - Judge by the texts.
        - A mug set is no mug.

        Search: red mug
        Product: Red Stoneware Mug

        The judges decided: 4-Excellent. Write the steps that lead there.""",
        heard.user());
  }

  @Test
  void aTeacherThatIsNotToldSaysItsOwn() throws InterruptedException {
    Item item = new Item("", "", "Mug", "Holds\n tea", List.of(new Attribute("color", "red")));
    Lesson lesson =
        teacher(unlimited())
            .teach(Judgment.graded("1", "cup", item, 1), OptionalInt.empty())
            .orElseThrow();
    assertEquals(BEST, lesson.label());
    String user = endpoint.heard().get(0).user();
    assertTrue(
        user.endsWith("Search: cup\nProduct: Mug\ncolor: red\nDescription: Holds tea"), user);
  }

  @Test
  void overloadWaitsAsLongAsTheEndpointSays() throws InterruptedException {
    endpoint.thenStatus(429, "Retry-After", "7");
    assertEquals(BEST, teacher(unlimited()).teach(PAIR, BEST).orElseThrow().label());
    assertEquals(List.of(Duration.ofSeconds(7)), waits);
    assertEquals(2, endpoint.requests());
  }

  @Test
  void faultsAreTriedAgainWithGrowingWaits() throws InterruptedException {
    endpoint.thenStatus(500).thenStatus(503);
    assertEquals(BEST, teacher(unlimited()).teach(PAIR, BEST).orElseThrow().label());
    assertEquals(2, waits.size());
    assertBetween(5, waits.get(0), 10);
    assertBetween(10, waits.get(1), 20);
  }

  private static void assertBetween(long least, Duration found, long most) {
    assertTrue(found.toMillis() >= least && found.toMillis() <= most, found.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"choices\": [",
        "<html>busy</html>",
        "{\"choices\": []}",
        "[]",
        "",
        "{\"choices\": [{\"message\": {\"content\": null}}]}"
      })
  void brokenAnswersAreTriedAgain(String body) throws InterruptedException {
    endpoint.thenBody(body);
    assertEquals(BEST, teacher(unlimited()).teach(PAIR, BEST).orElseThrow().label());
    assertEquals(2, endpoint.requests());
  }

  @Test
  void theLastFailureIsTold() {
    endpoint.thenStatus(500).thenStatus(500).thenBody("<html>busy</html>");
    String message =
        assertThrows(TeacherException.class, () -> teacher(unlimited()).teach(PAIR, BEST))
            .getMessage();
    assertTrue(message.contains("expected JSON, found <html>busy</html>, after 3"), message);
    assertFalse(message.contains("secret"), message);
    assertEquals(3, endpoint.requests());
  }

  @Test
  void silenceAfterTheHeadersTimesOut() throws InterruptedException {
    endpoint.thenSilence();
    // A busy machine may need more than one other attempt.
    EndpointTeacher teacher = teacher(options(20, Duration.ofSeconds(2)), unlimited());
    assertEquals(BEST, teacher.teach(PAIR, BEST).orElseThrow().label());
    assertTrue(endpoint.requests() > 1);
  }

  @Test
  void nobodyThereIsAFailure() {
    endpoint.close();
    String message =
        assertThrows(TeacherException.class, () -> teacher(unlimited()).teach(PAIR, BEST))
            .getMessage();
    assertTrue(message.contains("ConnectException"), message);
  }

  @Test
  void aRefusedRequestFailsItsPairOnly() throws InterruptedException {
    endpoint.thenStatus(400);
    EndpointTeacher teacher = teacher(unlimited());
    assertThrows(TeacherException.class, () -> teacher.teach(PAIR, BEST));
    assertEquals(BEST, teacher.teach(numbered(2), BEST).orElseThrow().label());
    assertEquals(2, endpoint.requests());
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404})
  void whatWillBeTheSameForAllStops(int status) {
    endpoint.thenStatus(status);
    EndpointTeacher teacher = teacher(unlimited());
    assertThrows(TeachingStoppedException.class, () -> teacher.teach(PAIR, BEST));
    assertThrows(TeachingStoppedException.class, () -> teacher.teach(numbered(2), BEST));
    assertEquals(1, endpoint.requests());
  }

  @Test
  void aLongRetryAfterStops() {
    endpoint.thenStatus(429, "Retry-After", "86400");
    assertThrows(TeachingStoppedException.class, () -> teacher(unlimited()).teach(PAIR, BEST));
    assertEquals(List.of(), waits);
  }

  @Test
  void manyFailuresInARowStop() {
    EndpointTeacher teacher = teacher(options(1, Duration.ofSeconds(30)), unlimited());
    for (int i = 0; i < 10; i++) {
      endpoint.thenStatus(500);
    }
    for (int i = 0; i < 9; i++) {
      Judgment pair = numbered(i);
      assertThrows(TeacherException.class, () -> teacher.teach(pair, BEST));
    }
    assertThrows(TeachingStoppedException.class, () -> teacher.teach(numbered(9), BEST));
    assertThrows(TeachingStoppedException.class, () -> teacher.teach(numbered(10), BEST));
    assertEquals(10, endpoint.requests());
  }

  @Test
  void answersAreKept() throws InterruptedException {
    Lesson first = teacher(unlimited()).teach(PAIR, BEST).orElseThrow();
    Budget budget = unlimited();
    EndpointTeacher again = teacher(budget);
    assertEquals(first, again.teach(PAIR, BEST).orElseThrow());
    assertEquals(1, again.cached());
    assertEquals(0, budget.requests());
    again.teach(PAIR, OptionalInt.empty()); // another question
    assertEquals(2, endpoint.requests());
  }

  @Test
  void aBrokenFileOfTheCacheIsAskedAgain() throws Exception {
    teacher(unlimited()).teach(PAIR, BEST);
    try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.writeString(file, "{\"request\": \"");
      }
    }
    teacher(unlimited()).teach(PAIR, BEST);
    teacher(unlimited()).teach(PAIR, BEST);
    assertEquals(2, endpoint.requests());
  }

  @Test
  void theBudgetStopsAndWhatIsKnownStaysFree() throws InterruptedException {
    EndpointTeacher teacher = teacher(new Budget(2, 0));
    teacher.teach(numbered(0), BEST);
    teacher.teach(numbered(1), BEST);
    String message =
        assertThrows(TeachingStoppedException.class, () -> teacher.teach(numbered(2), BEST))
            .getMessage();
    assertEquals("the budget of 2 requests is spent", message);
    assertEquals(BEST, teacher.teach(numbered(0), BEST).orElseThrow().label());
    EndpointTeacher tokens = teacher(new Budget(0, 150));
    tokens.teach(numbered(3), BEST);
    tokens.teach(numbered(4), BEST);
    assertThrows(TeachingStoppedException.class, () -> tokens.teach(numbered(5), BEST));
    assertEquals(4, endpoint.requests());
  }

  @Test
  void anAnswerWithoutADecisionFails() {
    endpoint.thenBody(FakeEndpoint.completion("I would rather not."));
    String message =
        assertThrows(TeacherException.class, () -> teacher(unlimited()).teach(PAIR, BEST))
            .getMessage();
    assertTrue(message.contains("decision, found I would rather not."), message);
  }

  @Test
  void optionsAreChecked() {
    for (String url : List.of("ftp://a/b", "nowhere", "http:/x")) {
      assertThrows(
          IllegalArgumentException.class,
          () ->
              new EndpointOptions(
                  URI.create(url),
                  "m",
                  "",
                  0,
                  1,
                  Duration.ofSeconds(1),
                  1,
                  Duration.ZERO,
                  1,
                  folder),
          url);
    }
    assertFalse(options(1, Duration.ofSeconds(1)).toString().contains("secret"));
  }
}
