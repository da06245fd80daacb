package dev.gavel.relevance.model;

import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.GoldenCase;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.TierRule;
import dev.gavel.relevance.prompt.PromptSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code gavel.json} says, with defaults in place of what it leaves out.
 *
 * @param name null if the file names none
 * @param version null if the file names none
 * @param labels best grade first
 */
public record Manifest(
    String name,
    String version,
    PromptSpec prompt,
    List<Label> labels,
    double tierThreshold,
    Limits limits,
    DecodingDefaults decoding,
    Order order,
    Map<String, String> provenance,
    List<GoldenCase> golden) {
  /** File name in a model directory. */
  public static final String FILE = "gavel.json";

  public Manifest {
    labels = List.copyOf(labels);
    golden = List.copyOf(golden);
  }

  /** The same with another threshold. */
  public Manifest withTierThreshold(double threshold) {
    return new Manifest(
        name, version, prompt, labels, threshold, limits, decoding, order, provenance, golden);
  }

  /**
   * The manifest of a model with the same words and other weights: what was known of the old ones,
   * their version and golden pairs, is left out.
   *
   * @param fallback the name where there is none yet
   * @param origin of the new weights, added to the provenance
   */
  public Manifest forNewWeights(String fallback, Map<String, String> origin) {
    Map<String, String> all = new LinkedHashMap<>(provenance);
    all.putAll(origin);
    return new Manifest(
        name == null ? fallback : name,
        null,
        prompt,
        labels,
        tierThreshold,
        limits,
        decoding,
        order,
        all,
        List.of());
  }

  /** The tier rule of labels and threshold. */
  public TierRule tierRule() {
    return new TierRule(tierThreshold, labels.stream().map(Label::tier).toList());
  }
}
