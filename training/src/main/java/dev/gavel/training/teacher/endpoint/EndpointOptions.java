package dev.gavel.training.teacher.endpoint;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where and how to ask.
 *
 * @param url the base, such as {@code http://127.0.0.1:8000/v1}; {@code /chat/completions} is added
 * @param model as the endpoint names it
 * @param apiKey sent as a bearer token; empty for none
 * @param temperature of the answers; 0 for the likeliest
 * @param answerTokensMax of an answer
 * @param timeout of one request, to the last byte of its answer
 * @param attempts at a pair, at least 1
 * @param backoff the wait after a first failure; doubles with every other one
 * @param parallel requests at once
 * @param cache folder of answers
 */
public record EndpointOptions(
    URI url,
    String model,
    String apiKey,
    double temperature,
    int answerTokensMax,
    Duration timeout,
    int attempts,
    Duration backoff,
    int parallel,
    Path cache) {

  public EndpointOptions {
    String scheme = url.getScheme();
    if (!"http".equals(scheme) && !"https".equals(scheme) || url.getHost() == null) {
      throw wrong("url", "http://HOST or https://HOST and a path", url);
    }
    if (model.isBlank()) {
      throw wrong("model", "a name", "none");
    }
    if (!(temperature >= 0)) {
      throw wrong("temperature", "0 or more", temperature);
    }
    if (answerTokensMax < 1 || attempts < 1 || parallel < 1) {
      throw wrong(
          "answerTokensMax, attempts, parallel",
          "1 or more",
          answerTokensMax + ", " + attempts + ", " + parallel);
    }
    if (timeout.isNegative() || timeout.isZero() || backoff.isNegative()) {
      throw wrong("timeout, backoff", "more than 0, 0 or more", timeout + ", " + backoff);
    }
  }

  private static IllegalArgumentException wrong(String key, String expected, Object found) {
    return new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
  }

  /** Never shows the key. */
  @Override
  public String toString() {
    return "EndpointOptions[" + url + ", " + model + "]";
  }

  URI completions() {
    return URI.create(url.toString().replaceFirst("/+$", "") + "/chat/completions");
  }
}
