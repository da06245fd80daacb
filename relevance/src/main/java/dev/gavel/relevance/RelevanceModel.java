package dev.gavel.relevance;

import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.ModelConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A model directory as relevance logic: prompt, labels, tiers and tokenizer, verified when opened.
 * Holds no weights. Thread-safe.
 */
public interface RelevanceModel extends AutoCloseable {

  /**
   * Opens and verifies a Hugging Face directory, with or without {@code gavel.json}.
   *
   * @throws ModelFormatException naming the file, what was expected and what was found
   */
  static RelevanceModel open(Path directory) {
    return dev.gavel.relevance.model.ModelDirectory.open(directory);
  }

  String name();

  /** From the manifest, else derived from the weights' size, header and times of change. */
  String version();

  ModelConfig config();

  /** Labels, best grade first. */
  List<Label> labels();

  TierRule tierRule();

  Limits limits();

  /** The manifest's order of label and reasoning. */
  Order order();

  DecodingDefaults decoding();

  /** Provenance of the manifest, by key. */
  Map<String, String> provenance();

  /** Pairs whose distribution is known, from the manifest; often none. */
  default List<GoldenCase> golden() {
    return List.of();
  }

  /** The token sequences of each label, for {@link Engine#labels}. */
  List<List<int[]>> labelTokens();

  /**
   * Renders and tokenizes one query with its items. The query is never cut; items are, and say so.
   *
   * @throws InvalidRequestException if the query is blank or too long
   */
  EncodedQuery encode(String query, List<Item> items);

  /**
   * Renders and tokenizes one pair for an explanation.
   *
   * @param stops stop texts in addition to the manifest's
   * @throws InvalidRequestException if query or item cannot be judged
   */
  ExplainPlan explain(String query, Item item, Order order, List<String> stops);

  /** A fresh detokenizer that ends at any of {@code stops}. */
  TokenStream tokenStream(List<String> stops);

  /** Token ids of a text, without special tokens. */
  int[] tokenize(String text);

  /** Text of token ids, special tokens included. */
  String detokenize(int[] tokens);

  /**
   * Loads the weights into an engine; minutes for large models.
   *
   * @throws ModelFormatException if the weights do not fit the configuration
   */
  Engine loadEngine(EngineOptions options);

  @Override
  void close();
}
