package dev.gavel.server.api;

import dev.gavel.relevance.Limits;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Order;
import dev.gavel.v1.Sampling;
import dev.gavel.v1.ScoreRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * The rules of the contract that need no tokenizer. Every broken one is reported, not the first
 * only. What an item must hold is the model's to say, per item.
 */
final class Checks {
  static final int REQUEST_ID_CHARS_MAX = 256;
  static final int STOPS_MAX = 16;
  static final int STOP_CHARS_MAX = 256;
  private static final int QUOTED_CHARS_MAX = 60;

  private final List<FaultException.Violation> violations = new ArrayList<>();

  private Checks() {}

  /**
   * Checks a Score request.
   *
   * @param streamed whether it came on a ScoreStream, where it needs an id
   * @throws FaultException INVALID_REQUEST
   */
  static void check(ScoreRequest request, Limits limits, boolean streamed) {
    Checks checks = new Checks();
    checks.query(request.getQuery());
    checks.range("items", "items", request.getItemsCount(), 1, limits.itemsMax());
    checks.requestId(request.getRequestId());
    checks.that(
        !streamed || !request.getRequestId().isEmpty(),
        "request_id",
        "expected an id on a stream, found none");
    checks.done();
  }

  /**
   * Checks an Explain request.
   *
   * @throws FaultException INVALID_REQUEST
   */
  static void check(ExplainRequest request, Limits limits) {
    Checks checks = new Checks();
    checks.query(request.getQuery());
    checks.requestId(request.getRequestId());
    checks.that(request.hasItem(), "item", "expected an item, found none");
    checks.range("samples", "paths", request.getSamples(), 0, limits.samplesMax());
    checks.that(
        request.getOrder() != Order.UNRECOGNIZED,
        "order",
        "expected LABEL_FIRST or THINK_FIRST, found " + request.getOrderValue());
    checks.sampling(request.getSampling(), limits);
    checks.done();
  }

  private void sampling(Sampling sampling, Limits limits) {
    if (sampling.hasTemperature()) {
      float value = sampling.getTemperature();
      that(value >= 0 && value <= 10, "sampling.temperature", "expected 0 to 10, found " + value);
    }
    if (sampling.hasTopK()) {
      range("sampling.top_k", "tokens", sampling.getTopK(), 0, Integer.MAX_VALUE);
    }
    if (sampling.hasTopP()) {
      float value = sampling.getTopP();
      that(
          value > 0 && value <= 1,
          "sampling.top_p",
          "expected more than 0 and at most 1, found " + value);
    }
    if (sampling.hasMaxTokens()) {
      range("sampling.max_tokens", "tokens", sampling.getMaxTokens(), 1, limits.explainTokensMax());
    }
    range("sampling.stop", "texts", sampling.getStopCount(), 0, STOPS_MAX);
    for (int i = 0; i < Math.min(sampling.getStopCount(), STOPS_MAX); i++) {
      range(
          "sampling.stop[" + i + "]",
          "characters",
          sampling.getStop(i).length(),
          1,
          STOP_CHARS_MAX);
    }
  }

  private void query(String query) {
    that(
        !query.isBlank(), "query", "expected text, found " + (query.isEmpty() ? "none" : "blanks"));
  }

  private void requestId(String id) {
    range("request_id", "characters", id.length(), 0, REQUEST_ID_CHARS_MAX);
  }

  private void range(String field, String unit, int value, int min, int max) {
    that(
        value >= min && value <= max,
        field,
        "expected " + min + " to " + max + " " + unit + ", found " + value);
  }

  private void that(boolean holds, String field, String description) {
    if (!holds) {
      violations.add(new FaultException.Violation(field, description));
    }
  }

  private void done() {
    if (!violations.isEmpty()) {
      throw FaultException.invalid(violations);
    }
  }

  /** A caller's text in an error message: short, and on one line. */
  static String quote(String text) {
    String shown =
        text.length() > QUOTED_CHARS_MAX ? text.substring(0, QUOTED_CHARS_MAX) + "..." : text;
    return '"' + shown.replaceAll("\\p{Cntrl}", "?") + '"';
  }
}
