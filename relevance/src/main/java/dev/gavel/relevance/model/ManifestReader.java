package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.GoldenCase;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.Tier;
import dev.gavel.relevance.json.JsonObject;
import dev.gavel.relevance.prompt.PromptSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads {@code gavel.json}; unknown keys are errors. The keys stand in docs/model-directory.md. */
final class ManifestReader {
  private static final double GOLDEN_TOLERANCE = 0.02;

  private final JsonObject json;
  private final Manifest defaults;

  private ManifestReader(JsonObject json, Manifest defaults) {
    this.json = json;
    this.defaults = defaults;
  }

  /**
   * Reads a manifest.
   *
   * @param defaults for what it leaves out
   * @throws dev.gavel.relevance.ModelFormatException naming key, expected and found
   */
  static Manifest parse(JsonObject json, Manifest defaults) {
    return new ManifestReader(json, defaults).read();
  }

  private Manifest read() {
    json.onlyKeys(
        Set.of(
            "name",
            "version",
            "prompt",
            "labels",
            "tier_threshold",
            "limits",
            "decoding",
            "order",
            "provenance",
            "golden"));
    List<Label> labels = json.has("labels") ? labels() : defaults.labels();
    double threshold = json.number("tier_threshold", defaults.tierThreshold());
    if (!(threshold > 0 && threshold <= 1)) {
      throw json.wrong("tier_threshold", "more than 0, at most 1", threshold);
    }
    return new Manifest(
        name("name"),
        name("version"),
        json.has("prompt") ? prompt(json.object("prompt")) : defaults.prompt(),
        labels,
        threshold,
        json.has("limits") ? limits(json.object("limits")) : defaults.limits(),
        json.has("decoding") ? decoding(json.object("decoding")) : defaults.decoding(),
        json.has("order") ? order() : defaults.order(),
        json.stringMap("provenance"),
        golden(labels));
  }

  private String name(String key) {
    String value = json.string(key, null);
    if (value != null && value.isBlank()) {
      throw json.wrong(key, "text", "blank");
    }
    return value;
  }

  /** A prompt of its own user message has no default cues: they belong to the default question. */
  private PromptSpec prompt(JsonObject prompt) {
    prompt.onlyKeys(
        Set.of(
            "chat",
            "system",
            "user",
            "attribute",
            "description",
            "label_cue",
            "reason_cue",
            "think_instruction",
            "think_cue",
            "verdict_cue",
            "stops"));
    PromptSpec base = defaults.prompt();
    boolean own = prompt.has("user");
    List<String> stops = prompt.strings("stops");
    if (stops.contains("")) {
      throw prompt.wrong("stops", "texts of at least one character", "an empty one");
    }
    String attribute = prompt.string("attribute", base.attribute());
    if (!attribute.isEmpty() && !attribute.contains("{value}")) {
      throw prompt.wrong("attribute", "a text with {value}, or an empty one", attribute);
    }
    String description = prompt.string("description", base.description());
    if (!description.isEmpty() && !description.contains("{description}")) {
      throw prompt.wrong("description", "a text with {description}, or an empty one", description);
    }
    return new PromptSpec(
        prompt.bool("chat", base.chat()),
        prompt.string("system", own ? "" : base.system()),
        prompt.string("user", base.user()),
        attribute,
        description,
        prompt.string("label_cue", own ? "" : base.labelCue()),
        prompt.string("reason_cue", own ? "\n" : base.reasonCue()),
        prompt.string("think_instruction", own ? "" : base.thinkInstruction()),
        prompt.string("think_cue", own ? "" : base.thinkCue()),
        prompt.string("verdict_cue", own ? "\n" : base.verdictCue()),
        own || prompt.has("stops") ? stops : base.stops());
  }

  private List<Label> labels() {
    List<Label> labels = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonObject label : json.objects("labels")) {
      label.onlyKeys(Set.of("name", "grade", "surface_forms", "tier"));
      Label read = label(label);
      Label before = labels.isEmpty() ? null : labels.get(labels.size() - 1);
      if (!names.add(read.name())) {
        throw label.wrong("name", "a name of its own", read.name() + " twice");
      }
      if (before != null && read.grade() >= before.grade()) {
        throw label.wrong("grade", "less than " + before.grade() + " (best first)", read.grade());
      }
      if (before != null && read.tier().compareTo(before.tier()) < 0) {
        throw label.wrong("tier", before.tier() + " or worse (best first)", read.tier());
      }
      labels.add(read);
    }
    if (labels.size() < 2) {
      throw json.wrong("labels", "at least 2", labels.size());
    }
    return labels;
  }

  private static Label label(JsonObject label) {
    String name = label.string("name");
    if (name.isBlank()) {
      throw label.wrong("name", "text", "blank");
    }
    List<String> forms = label.strings("surface_forms");
    if (forms.isEmpty() || forms.contains("")) {
      throw label.wrong("surface_forms", "at least one text, none empty", forms);
    }
    return new Label(name, label.number("grade"), forms, oneOf(label, "tier", Tier.values()));
  }

  private Order order() {
    return oneOf(json, "order", Order.values());
  }

  /** An enum constant by name, in any case, with - for _. */
  private static <E extends Enum<E>> E oneOf(JsonObject json, String key, E[] values) {
    String found = json.string(key);
    for (E value : values) {
      if (value.name().replace('_', '-').equals(found.toUpperCase(Locale.ROOT).replace('_', '-'))) {
        return value;
      }
    }
    List<String> names = new ArrayList<>();
    for (E value : values) {
      names.add(
          value instanceof Order
              ? value.name().toLowerCase(Locale.ROOT).replace('_', '-')
              : value.name());
    }
    throw json.wrong(key, "one of " + names, found);
  }

  private Limits limits(JsonObject limits) {
    limits.onlyKeys(Set.of("items", "query_tokens", "item_tokens", "explain_tokens", "samples"));
    Limits base = defaults.limits();
    return new Limits(
        limits.integer("items", 1, 1_000_000, base.itemsMax()),
        limits.integer("query_tokens", 1, 1_000_000, base.queryTokensMax()),
        limits.integer("item_tokens", 1, 1_000_000, base.itemTokensMax()),
        limits.integer("explain_tokens", 1, 1_000_000, base.explainTokensMax()),
        limits.integer("samples", 1, 10_000, base.samplesMax()));
  }

  private DecodingDefaults decoding(JsonObject decoding) {
    decoding.onlyKeys(Set.of("temperature", "top_k", "top_p"));
    return decoding(decoding, defaults.decoding());
  }

  /** Reads sampling values, from a manifest or a generation_config.json. */
  static DecodingDefaults decoding(JsonObject json, DecodingDefaults base) {
    double temperature = json.number("temperature", base.temperature());
    if (!(temperature >= 0 && temperature <= 10)) {
      throw json.wrong("temperature", "0 to 10", temperature);
    }
    double topP = json.number("top_p", base.topP());
    if (!(topP > 0 && topP <= 1)) {
      throw json.wrong("top_p", "more than 0, at most 1", topP);
    }
    int topK = json.integer("top_k", 0, Integer.MAX_VALUE, base.topK());
    return new DecodingDefaults((float) temperature, topK, (float) topP);
  }

  private List<GoldenCase> golden(List<Label> labels) {
    List<GoldenCase> out = new ArrayList<>();
    Set<String> names = new HashSet<>();
    labels.forEach(label -> names.add(label.name()));
    for (JsonObject golden : json.objects("golden")) {
      golden.onlyKeys(Set.of("query", "item", "distribution", "tolerance"));
      Map<String, Double> distribution = new LinkedHashMap<>();
      JsonObject probabilities = golden.object("distribution");
      probabilities.onlyKeys(names);
      probabilities.keys().forEach(name -> distribution.put(name, probabilities.number(name)));
      out.add(
          new GoldenCase(
              golden.string("query"),
              item(golden.object("item")),
              distribution,
              golden.number("tolerance", GOLDEN_TOLERANCE)));
    }
    return out;
  }

  private static Item item(JsonObject item) {
    item.onlyKeys(Set.of("text", "title", "description", "attributes"));
    List<Attribute> attributes = new ArrayList<>();
    JsonNode given = item.raw("attributes");
    if (given != null) {
      item.stringMap("attributes")
          .forEach((name, value) -> attributes.add(new Attribute(name, value)));
    }
    return new Item(
        "",
        item.string("text", ""),
        item.string("title", ""),
        item.string("description", ""),
        attributes);
  }
}
