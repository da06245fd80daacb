package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.GoldenCase;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.prompt.PromptSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/** Writes {@code gavel.json} with every key, so that later defaults change nothing. */
public final class ManifestWriter {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ManifestWriter() {}

  /** Writes the manifest of a model directory, over one that is there. */
  public static void write(Manifest manifest, Path directory) throws IOException {
    Path file = directory.resolve(Manifest.FILE);
    Path partial = file.resolveSibling(Manifest.FILE + ".partial");
    String json = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(toJson(manifest));
    Files.writeString(partial, json + "\n");
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What is read back as the same manifest. */
  public static ObjectNode toJson(Manifest manifest) {
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    if (manifest.name() != null) {
      out.put("name", manifest.name());
    }
    if (manifest.version() != null) {
      out.put("version", manifest.version());
    }
    put(out.putObject("prompt"), manifest.prompt());
    for (Label label : manifest.labels()) {
      ObjectNode json = out.withArray("labels").addObject();
      json.put("name", label.name());
      number(json, "grade", label.grade());
      label.surfaceForms().forEach(json.putArray("surface_forms")::add);
      json.put("tier", label.tier().name());
    }
    out.put("tier_threshold", manifest.tierThreshold());
    put(out.putObject("limits"), manifest.limits());
    put(out.putObject("decoding"), manifest.decoding());
    out.put("order", manifest.order().name().toLowerCase(Locale.ROOT).replace('_', '-'));
    ObjectNode provenance = out.putObject("provenance");
    manifest.provenance().forEach(provenance::put);
    manifest.golden().forEach(golden -> put(out.withArray("golden").addObject(), golden));
    return out;
  }

  private static void put(ObjectNode out, PromptSpec prompt) {
    out.put("chat", prompt.chat());
    out.put("system", prompt.system());
    out.put("user", prompt.user());
    out.put("attribute", prompt.attribute());
    out.put("description", prompt.description());
    out.put("label_cue", prompt.labelCue());
    out.put("reason_cue", prompt.reasonCue());
    out.put("think_instruction", prompt.thinkInstruction());
    out.put("think_cue", prompt.thinkCue());
    out.put("verdict_cue", prompt.verdictCue());
    prompt.stops().forEach(out.putArray("stops")::add);
  }

  private static void put(ObjectNode out, Limits limits) {
    out.put("items", limits.itemsMax());
    out.put("query_tokens", limits.queryTokensMax());
    out.put("item_tokens", limits.itemTokensMax());
    out.put("explain_tokens", limits.explainTokensMax());
    out.put("samples", limits.samplesMax());
  }

  private static void put(ObjectNode out, DecodingDefaults decoding) {
    out.put("temperature", decoding.temperature());
    out.put("top_k", decoding.topK());
    out.put("top_p", decoding.topP());
  }

  private static void put(ObjectNode out, GoldenCase golden) {
    out.put("query", golden.query());
    put(out.putObject("item"), golden.item());
    ObjectNode distribution = out.putObject("distribution");
    golden.distribution().forEach(distribution::put);
    out.put("tolerance", golden.tolerance());
  }

  /** Absent texts stay absent: an item is a text, or a title with the rest. */
  private static void put(ObjectNode out, Item item) {
    putUnlessEmpty(out, "text", item.text());
    putUnlessEmpty(out, "title", item.title());
    putUnlessEmpty(out, "description", item.description());
    for (Attribute attribute : item.attributes()) {
      ObjectNode attributes = out.withObject("/attributes");
      if (attributes.has(attribute.name())) {
        throw new IllegalArgumentException(
            "golden item: expected each attribute once, found " + attribute.name() + " again");
      }
      attributes.put(attribute.name(), attribute.value());
    }
  }

  private static void putUnlessEmpty(ObjectNode out, String key, String value) {
    if (!value.isEmpty()) {
      out.put(key, value);
    }
  }

  /** Whole grades without a decimal point. */
  private static void number(ObjectNode out, String key, double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e9) {
      out.put(key, (long) value);
    } else {
      out.put(key, value);
    }
  }
}
