package dev.gavel.relevance.model;

import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.GoldenCase;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TierRule;
import dev.gavel.relevance.TokenStream;
import dev.gavel.relevance.prompt.AnswerTokens;
import dev.gavel.relevance.prompt.ChatTemplate;
import dev.gavel.relevance.prompt.LabelTokens;
import dev.gavel.relevance.prompt.PromptEncoder;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An open model directory. */
final class OpenModel implements RelevanceModel {
  private final Path directory;
  private final ModelConfig config;
  private final Checkpoint checkpoint;
  private final WeightLoader weights;
  private final ChatTemplate template;
  private final Manifest manifest;
  private final Tokenizer tokenizer;
  private final Set<Integer> endTokens;
  private final TierRule tierRule;
  private final PromptEncoder labelFirst;
  private final PromptEncoder thinkFirst;
  private final AnswerTokens answers;
  private final String version;

  OpenModel(
      Path directory,
      ModelConfig config,
      Checkpoint checkpoint,
      WeightLoader weights,
      ChatTemplate template,
      Manifest manifest,
      Tokenizer tokenizer,
      Set<Integer> endTokens) {
    this.directory = directory;
    this.config = config;
    this.checkpoint = checkpoint;
    this.weights = weights;
    this.template = template;
    this.manifest = manifest;
    this.tokenizer = tokenizer;
    this.endTokens = endTokens;
    this.tierRule = manifest.tierRule();
    this.labelFirst = encoder(Order.LABEL_FIRST);
    this.thinkFirst = encoder(Order.THINK_FIRST);
    requireRoom();
    this.answers =
        AnswerTokens.of(
            tokenizer,
            manifest.prompt(),
            labelFirst.text().after(),
            manifest.labels(),
            config.vocabulary());
    this.version = manifest.version() != null ? manifest.version() : checkpoint.fingerprint();
  }

  private PromptEncoder encoder(Order order) {
    return new PromptEncoder(
        tokenizer,
        manifest.prompt(),
        template,
        order,
        manifest.limits(),
        config.maxPositions() - LabelTokens.FORM_TOKENS_MAX);
  }

  /** Items can only be judged if the prompt itself leaves them some of the context. */
  private void requireRoom() {
    int constant = labelFirst.constantTokens();
    if (constant + LabelTokens.FORM_TOKENS_MAX + 2 > config.maxPositions()) {
      throw new ModelFormatException(
          "config.json",
          "max_position_embeddings: expected room for a prompt of "
              + constant
              + " tokens with query, item and label, found "
              + config.maxPositions());
    }
  }

  Path directory() {
    return directory;
  }

  Checkpoint checkpoint() {
    return checkpoint;
  }

  WeightLoader weights() {
    return weights;
  }

  ChatTemplate template() {
    return template;
  }

  Manifest manifest() {
    return manifest;
  }

  AnswerTokens answers() {
    return answers;
  }

  Set<Integer> endTokens() {
    return endTokens;
  }

  PromptEncoder encoder() {
    return labelFirst;
  }

  @Override
  public String name() {
    Path last = directory.toAbsolutePath().normalize().getFileName();
    return manifest.name() != null ? manifest.name() : last == null ? "model" : last.toString();
  }

  @Override
  public String version() {
    return version;
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public List<Label> labels() {
    return manifest.labels();
  }

  @Override
  public TierRule tierRule() {
    return tierRule;
  }

  @Override
  public Limits limits() {
    return manifest.limits();
  }

  @Override
  public Order order() {
    return manifest.order();
  }

  @Override
  public DecodingDefaults decoding() {
    return manifest.decoding();
  }

  @Override
  public Map<String, String> provenance() {
    return manifest.provenance();
  }

  @Override
  public List<GoldenCase> golden() {
    return manifest.golden();
  }

  @Override
  public List<List<int[]>> labelTokens() {
    return answers.labels();
  }

  @Override
  public EncodedQuery encode(String query, List<Item> items) {
    return labelFirst.encode(query, items);
  }

  @Override
  public ExplainPlan explain(String query, Item item, Order order, List<String> stops) {
    PromptEncoder encoder = order == Order.LABEL_FIRST ? labelFirst : thinkFirst;
    EncodedQuery encoded = encoder.encode(query, List.of(item));
    EncodedItem only = encoded.items().get(0);
    if (!only.isOk()) {
      throw new InvalidRequestException("item", only.problem());
    }
    if (stops.contains("")) {
      throw new InvalidRequestException(
          "sampling.stop", "stop: expected texts of at least one character, found an empty one");
    }
    Set<String> allStops = new LinkedHashSet<>(manifest.prompt().stops());
    allStops.addAll(stops);
    return new ExplainPlan(
        order,
        PromptEncoder.join(encoded.prefix(), only.suffix()),
        encoded.prefix().length,
        only.truncatedTokens(),
        order == Order.LABEL_FIRST ? answers.afterLabel() : List.of(),
        order == Order.LABEL_FIRST ? new int[0] : answers.verdictCue(),
        new ArrayList<>(allStops),
        endTokens);
  }

  @Override
  public TokenStream tokenStream(List<String> stops) {
    return tokenizer.stream(stops);
  }

  @Override
  public int[] tokenize(String text) {
    return tokenizer.encode(text);
  }

  @Override
  public String detokenize(int[] tokens) {
    return tokenizer.decode(tokens);
  }

  @Override
  public Engine loadEngine(EngineOptions options) {
    try (EngineBuilder builder = EngineBuilder.create(config, options)) {
      weights.load(builder);
      SamplePrompts.of(this).forEach(builder::sample);
      return builder.build();
    }
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
