package dev.gavel.training.stage;

import dev.gavel.relevance.Label;
import dev.gavel.training.data.NamedText;
import dev.gavel.training.teacher.RationaleFile;
import dev.gavel.training.teacher.Teacher;
import dev.gavel.training.teacher.endpoint.Budget;
import dev.gavel.training.teacher.endpoint.EndpointOptions;
import dev.gavel.training.teacher.endpoint.EndpointTeacher;
import dev.gavel.training.teacher.evidence.EvidenceTeacher;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Makes the teachers of a configuration.
 *
 * @param environment variables by name; null where there is none
 * @param out the run's folder
 * @param budget of the endpoint
 */
record TeacherFactory(
    TeachConfig config,
    List<Label> labels,
    UnaryOperator<String> environment,
    Path out,
    Budget budget) {

  Teacher make(TeachConfig.Kind kind) {
    return switch (kind) {
      case EVIDENCE -> new EvidenceTeacher(labels, config.evidence().descriptions());
      case RATIONALES -> new RationaleFile(config.rationales(), labels);
      case ENDPOINT -> endpoint(config.endpoint());
    };
  }

  private Teacher endpoint(TeachConfig.Endpoint given) {
    List<NamedText> rules =
        given.rules() == null ? List.of() : NamedText.read(given.rules(), "text");
    try {
      EndpointOptions options =
          new EndpointOptions(
              given.uri(),
              given.model(),
              apiKey(given.apiKeyVariable()),
              given.temperature(),
              given.answerTokensMax(),
              seconds(given.timeoutSeconds()),
              given.attempts(),
              seconds(given.backoffSeconds()),
              given.parallel(),
              given.cache() == null ? out.resolve("answers") : given.cache());
      EndpointTeacher.Request request =
          new EndpointTeacher.Request(given.rulesEach(), given.words());
      return new EndpointTeacher(options, request, rules, labels, budget);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("endpoint: " + e.getMessage(), e);
    }
  }

  private String apiKey(String variable) {
    if (variable == null) {
      return "";
    }
    String key = environment.apply(variable);
    if (key == null || key.isBlank()) {
      throw new IllegalArgumentException(
          "apiKeyVariable: expected a key in the environment variable "
              + variable
              + ", found nothing");
    }
    return key.strip();
  }

  private static Duration seconds(double seconds) {
    return Duration.ofNanos(Math.round(seconds * 1e9));
  }
}
