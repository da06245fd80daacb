package dev.gavel.server.fake;

import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.RopeScaling;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.Tier;
import dev.gavel.relevance.TierRule;
import dev.gavel.relevance.TokenStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** A model whose tokens are code points, so that every prompt can be read off its tokens. */
public final class FakeModel implements RelevanceModel {
  public static final int END_TOKEN = 3;
  public static final String MANIFEST_STOP = "###";

  private static final List<Label> LABELS =
      List.of(
          new Label("4-Excellent", 4, List.of("E"), Tier.GOOD),
          new Label("3-Related", 3, List.of("R", "r"), Tier.GOOD),
          new Label("2-Mismatch", 2, List.of("M"), Tier.MID),
          new Label("1-Irrelevant", 1, List.of("Ir"), Tier.BAD));

  private final Limits limits;
  private final int context;
  private final boolean emptyAfterLabel;
  private final boolean itemFirst;

  /** Where not null, encoding waits for it. */
  public volatile CountDownLatch tokenizerHold;

  public FakeModel() {
    this(new Limits(1000, 40, 64, 48, 4), 4096, false);
  }

  /**
   * @param emptyAfterLabel label-first reasoning begins right at the prompt's end
   */
  public FakeModel(Limits limits, int context, boolean emptyAfterLabel) {
    this(limits, context, emptyAfterLabel, false);
  }

  private FakeModel(Limits limits, int context, boolean emptyAfterLabel, boolean itemFirst) {
    this.limits = limits;
    this.context = context;
    this.emptyAfterLabel = emptyAfterLabel;
    this.itemFirst = itemFirst;
  }

  /** A model whose prompt is constant, then the item, then the query. */
  public static FakeModel itemFirst() {
    return new FakeModel(new Limits(1000, 40, 64, 48, 4), 4096, false, true);
  }

  /** The prompt of one pair. */
  public int[] prompt(String query, String item) {
    String text =
        itemFirst ? "judge " + item + " q=" + query + ";=" : "q=" + query + ";" + item + "=";
    return tokenize(text);
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public String version() {
    return "v1";
  }

  @Override
  public ModelConfig config() {
    return new ModelConfig(
        "fake",
        0x110000,
        8,
        1,
        1,
        1,
        8,
        8,
        context,
        1e4,
        RopeScaling.NONE,
        1e-5,
        false,
        false,
        true,
        0,
        0,
        0,
        false,
        new BitSet());
  }

  @Override
  public List<Label> labels() {
    return LABELS;
  }

  @Override
  public TierRule tierRule() {
    return new TierRule(0.5, LABELS.stream().map(Label::tier).toList());
  }

  @Override
  public Limits limits() {
    return limits;
  }

  @Override
  public Order order() {
    return Order.LABEL_FIRST;
  }

  @Override
  public DecodingDefaults decoding() {
    return new DecodingDefaults(0.7f, 20, 0.9f);
  }

  @Override
  public Map<String, String> provenance() {
    return Map.of("note", "made up");
  }

  @Override
  public List<List<int[]>> labelTokens() {
    List<List<int[]>> all = new ArrayList<>();
    for (Label label : LABELS) {
      all.add(label.surfaceForms().stream().map(this::tokenize).toList());
    }
    return all;
  }

  @Override
  public EncodedQuery encode(String query, List<Item> items) {
    await(tokenizerHold);
    return new EncodedQuery(
        prefix(query), items.stream().map(item -> encode(query, item)).toList());
  }

  private static void await(CountDownLatch latch) {
    try {
      if (latch != null) {
        latch.await();
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private int[] prefix(String query) {
    int[] tokens = tokenize(query);
    if (tokens.length > limits.queryTokensMax()) {
      throw new InvalidRequestException(
          "query",
          "expected at most " + limits.queryTokensMax() + " tokens, found " + tokens.length);
    }
    return tokenize(itemFirst ? "judge " : "q=" + query + ";");
  }

  private EncodedItem encode(String query, Item item) {
    boolean both = !item.text().isEmpty() && !item.title().isEmpty();
    String text = item.text().isEmpty() ? item.title() + item.description() : item.text();
    if (both || text.isBlank()) {
      return EncodedItem.bad(both ? "expected text or title, found both" : "expected text");
    }
    int[] tokens = tokenize(text);
    int kept = Math.min(tokens.length, limits.itemTokensMax());
    int[] tail = tokenize(itemFirst ? " q=" + query + ";=" : "=");
    int[] suffix = Arrays.copyOf(tokens, kept + tail.length);
    System.arraycopy(tail, 0, suffix, kept, tail.length);
    int shared = itemFirst ? kept + " q=".length() : 0;
    return new EncodedItem(suffix, shared, tokens.length - kept, null);
  }

  @Override
  public ExplainPlan explain(String query, Item item, Order order, List<String> stops) {
    await(tokenizerHold);
    int[] prefix = prefix(query);
    EncodedItem encoded = encode(query, item);
    if (!encoded.isOk()) {
      throw new InvalidRequestException("item", encoded.problem());
    }
    int[] prompt = Arrays.copyOf(prefix, prefix.length + encoded.suffix().length);
    System.arraycopy(encoded.suffix(), 0, prompt, prefix.length, encoded.suffix().length);
    List<String> allStops = new ArrayList<>(List.of(MANIFEST_STOP));
    allStops.addAll(stops);
    return new ExplainPlan(
        order,
        prompt,
        prefix.length,
        encoded.truncatedTokens(),
        LABELS.stream()
            .map(label -> tokenize(emptyAfterLabel ? "" : label.name() + " since "))
            .toList(),
        tokenize(" so:"),
        allStops,
        Set.of(END_TOKEN));
  }

  @Override
  public TokenStream tokenStream(List<String> stops) {
    return new FakeTokenStream(stops);
  }

  @Override
  public int[] tokenize(String text) {
    return text.codePoints().toArray();
  }

  @Override
  public String detokenize(int[] tokens) {
    return new String(tokens, 0, tokens.length);
  }

  @Override
  public Engine loadEngine(EngineOptions options) {
    return new FakeEngine(options.batchTokensMax(), options.blockTokens(), options.blocks());
  }

  @Override
  public void close() {}
}
