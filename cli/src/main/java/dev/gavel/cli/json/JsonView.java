package dev.gavel.cli.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Duration;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.Final;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.LabelTokens;
import dev.gavel.v1.ModelVersion;
import dev.gavel.v1.SampleEnd;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.StageTimes;
import dev.gavel.v1.TokenSequence;
import io.grpc.Status;
import java.math.BigInteger;
import java.util.List;

/** Responses as JSON trees, field by field; nothing is added later by a library's defaults. */
public final class JsonView {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private JsonView() {}

  /** One line of JSON. */
  public static String line(ObjectNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree that Jackson cannot write", e);
    }
  }

  /**
   * The answer of {@code score --json}.
   *
   * @param tokens whether to show the token ids
   */
  public static ObjectNode score(String query, ScoreResponse response, boolean tokens) {
    ObjectNode node = NODES.objectNode();
    node.set("model", model(response.getModel()));
    node.put("query", query);
    if (tokens) {
      node.set("prefix_tokens", ints(response.getPrefixTokensList()));
      ObjectNode labels = node.putObject("label_tokens");
      for (LabelTokens label : response.getLabelTokensList()) {
        ArrayNode forms = labels.putArray(label.getLabel());
        for (TokenSequence form : label.getFormsList()) {
          forms.add(ints(form.getTokensList()));
        }
      }
    }
    ArrayNode items = node.putArray("items");
    for (ScoredItem item : response.getItemsList()) {
      items.add(item(item, tokens));
    }
    node.set("seconds", times(response.getTimes()));
    return node;
  }

  /** One item; without a judgment only status and message. */
  public static ObjectNode item(ScoredItem item, boolean tokens) {
    ObjectNode node = NODES.objectNode();
    if (!item.getId().isEmpty()) {
      node.put("id", item.getId());
    }
    if (item.getStatus().getCode() == Status.Code.OK.value()) {
      putDistribution(node, item.getDistributionList());
      node.put("label", item.getLabel());
      node.put("tier", item.getTier().name());
      node.put("expected_grade", item.getExpectedGrade());
      if (item.hasLogLabelMass()) {
        node.put("log_label_mass", item.getLogLabelMass());
      }
      node.put("cached", item.getCached());
    }
    node.put("status", statusName(item.getStatus().getCode()));
    if (!item.getStatus().getMessage().isEmpty()) {
      node.put("message", item.getStatus().getMessage());
    }
    node.put("truncated_tokens", item.getTruncatedTokens());
    if (tokens) {
      node.set("suffix_tokens", ints(item.getSuffixTokensList()));
    }
    return node;
  }

  /** One event of {@code explain --json}. */
  public static ObjectNode event(ExplainEvent event) {
    ObjectNode node = NODES.objectNode();
    switch (event.getEventCase()) {
      case VERDICT -> {
        node.put("event", "verdict");
        node.set("model", model(event.getVerdict().getModel()));
        node.set("item", item(event.getVerdict().getItem(), true));
        node.set("prefix_tokens", ints(event.getVerdict().getPrefixTokensList()));
        node.set("answer_tokens", ints(event.getVerdict().getAnswerTokensList()));
      }
      case TOKEN -> {
        node.put("event", "token").put("sample", event.getSample());
        node.put("id", event.getToken().getId());
        node.put("text", event.getToken().getText());
        node.put("log_probability", event.getToken().getLogProbability());
      }
      case SAMPLE_END -> putSampleEnd(node, event.getSample(), event.getSampleEnd());
      case FINAL -> putFinal(node, event.getFinal());
      case EVENT_NOT_SET -> node.put("event", "unknown");
    }
    return node;
  }

  private static void putSampleEnd(ObjectNode node, int sample, SampleEnd end) {
    node.put("event", "sample_end").put("sample", sample);
    node.put("finish_reason", end.getFinishReason().name());
    node.put("tokens", end.getTokens());
    if (end.getDistributionCount() > 0) {
      putDistribution(node, end.getDistributionList());
    }
  }

  private static void putFinal(ObjectNode node, Final end) {
    node.put("event", "final");
    node.put("finish_reason", end.getFinishReason().name());
    node.put("prompt_tokens", end.getPromptTokens());
    node.put("generated_tokens", end.getGeneratedTokens());
    node.put("seed", new BigInteger(Long.toUnsignedString(end.getSeed())));
    ObjectNode seconds = times(end.getTimes());
    seconds.put("first_token", seconds(end.getFirstToken()));
    seconds.put("decode", seconds(end.getDecode()));
    node.set("seconds", seconds);
    node.set("item", item(end.getItem(), false));
  }

  private static void putDistribution(ObjectNode node, List<LabelProbability> labels) {
    ObjectNode probabilities = node.putObject("distribution");
    ObjectNode logs = node.putObject("log_probabilities");
    for (LabelProbability label : labels) {
      probabilities.put(label.getLabel(), label.getProbability());
      logs.put(label.getLabel(), label.getLogProbability());
    }
  }

  /** A model's version. */
  public static ObjectNode model(ModelVersion model) {
    return NODES
        .objectNode()
        .put("name", model.getName())
        .put("version", model.getVersion())
        .put("quantization", model.getQuantization())
        .put("device", model.getDevice());
  }

  private static ObjectNode times(StageTimes times) {
    return NODES
        .objectNode()
        .put("tokenize", seconds(times.getTokenize()))
        .put("queue", seconds(times.getQueue()))
        .put("prefill", seconds(times.getPrefill()))
        .put("head", seconds(times.getHead()));
  }

  private static double seconds(Duration duration) {
    return duration.getSeconds() + duration.getNanos() * 1e-9;
  }

  /** The name of a gRPC status code. */
  public static String statusName(int code) {
    return Status.fromCodeValue(code).getCode().name();
  }

  private static ArrayNode ints(List<Integer> values) {
    ArrayNode node = NODES.arrayNode(values.size());
    values.forEach(node::add);
    return node;
  }
}
