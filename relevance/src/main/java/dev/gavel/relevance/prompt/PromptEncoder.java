package dev.gavel.relevance.prompt;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Puts query and items into one prompt and tokenizes: the text before the item once, the rest per
 * item. Thread-safe.
 *
 * <p>The cost is linear in the length of the texts, whatever they hold: no more than {@link
 * #CHARS_PER_TOKEN} characters for each allowed token are ever tokenized.
 */
public final class PromptEncoder {
  /** Characters looked at for each token a text may have; ordinary text has 3 to 5 a token. */
  public static final int CHARS_PER_TOKEN = 16;

  /** From so many items on, they are tokenized on several threads. */
  private static final int PARALLEL_ITEMS = 128;

  private static final String SAMPLE_QUERY = "red shoes";

  private final Tokenizer tokenizer;
  private final ItemLayout layout;
  private final PromptText text;
  private final Limits limits;
  private final int positionsMax;
  private final Seam seam;
  private final String prefixTail; // constant text between the query (or the start) and the cut
  private final String lead; // constant text between the cut and the item
  private final int[] opening;
  private final int sharedTail; // item first: tokens after the item that no query changes

  /**
   * Prepares a prompt.
   *
   * @param positionsMax positions for prefix, suffix and label together
   */
  public PromptEncoder(
      Tokenizer tokenizer,
      PromptSpec spec,
      ChatTemplate template,
      Order order,
      Limits limits,
      int positionsMax) {
    this.tokenizer = tokenizer;
    this.layout = new ItemLayout(spec);
    this.text = PromptText.render(spec, template, order);
    this.limits = limits;
    this.positionsMax = positionsMax;
    this.opening = spec.chat() && !template.isPlain() ? new int[0] : tokenizer.opening();
    String constant = text.itemFirst() ? text.before() : text.between();
    String head = text.itemFirst() ? "" : text.before() + SAMPLE_QUERY;
    this.seam = Seam.find(tokenizer, head, constant);
    this.prefixTail = constant.substring(0, seam.cut());
    this.lead = constant.substring(seam.cut());
    this.sharedTail = text.itemFirst() ? sharedTail() : 0;
  }

  /** Tokens between item and query that queries of several kinds have in common. */
  private int sharedTail() {
    int[] sample = tokenizer.encode(tailText(SAMPLE_QUERY));
    int shared = sample.length - 1;
    for (String query : List.of("3M", "(2", "\u00e9tui", "'s", "\u65e5\u672c")) {
      shared = Math.min(shared, Tokens.common(sample, tokenizer.encode(tailText(query))));
    }
    return shared;
  }

  private String tailText(String query) {
    return text.itemFirst() ? text.between() + query + text.after() : text.after();
  }

  /** The rendered prompt. */
  public PromptText text() {
    return text;
  }

  /** Whether prefix and suffix tokens are those of the joined text for items of every kind. */
  public boolean isSeamStable() {
    return seam.stable();
  }

  /** Tokens of the prompt without query and item. */
  public int constantTokens() {
    return opening.length
        + tokenizer.encode(text.before()).length
        + tokenizer.encode(text.between()).length
        + tokenizer.encode(text.after()).length;
  }

  /** Two token sequences as one. */
  public static int[] join(int[] left, int[] right) {
    return Tokens.join(left, right);
  }

  /**
   * Encodes one query with its items.
   *
   * @throws InvalidRequestException if the query is blank, too long, or leaves no room for items
   */
  public EncodedQuery encode(String query, List<Item> items) {
    String cleanQuery = query(query);
    int[] prefix = prefix(cleanQuery);
    Tail tail = tail(cleanQuery, prefix.length);
    IntStream indices = IntStream.range(0, items.size());
    if (items.size() >= PARALLEL_ITEMS) {
      indices = indices.parallel();
    }
    return new EncodedQuery(prefix, indices.mapToObj(i -> encode(items.get(i), tail)).toList());
  }

  /**
   * What follows every item of one query.
   *
   * @param itemTokensMax room for the item
   * @param markup special tokens in {@code tokens}
   */
  private record Tail(String text, int[] tokens, int itemTokensMax, int markup) {}

  private String query(String query) {
    String clean = ItemText.oneLine(query);
    if (clean.isEmpty()) {
      throw new InvalidRequestException("query", "query: expected text, found none");
    }
    String expected = "query: expected at most " + limits.queryTokensMax() + " tokens, found ";
    if (clean.length() > (long) limits.queryTokensMax() * CHARS_PER_TOKEN) {
      throw new InvalidRequestException("query", expected + clean.length() + " characters");
    }
    clean = tokenizer.neutralize(clean);
    int[] tokens = tokenizer.encode(clean);
    if (tokens.length > limits.queryTokensMax()) {
      throw new InvalidRequestException("query", expected + tokens.length);
    }
    if (tokenizer.countMarkup(tokens) > 0) {
      throw new InvalidRequestException(
          "query", "query: expected text, found what the tokenizer takes for a special token");
    }
    return clean;
  }

  private int[] prefix(String query) {
    String head = text.itemFirst() ? "" : text.before() + query;
    return Tokens.join(opening, tokenizer.encode(head + prefixTail));
  }

  private Tail tail(String query, int prefixTokens) {
    String tail = tailText(query);
    int[] tokens = tokenizer.encode(tail);
    int room = positionsMax - prefixTokens - tokens.length;
    if (room < 1) {
      throw new InvalidRequestException(
          "query",
          "query: expected the prompt to leave room for an item in "
              + positionsMax
              + " positions, found it takes "
              + (prefixTokens + tokens.length));
    }
    int markup = tokenizer.countMarkup(tokens) + tokenizer.countMarkup(tokenizer.encode(lead));
    return new Tail(tail, tokens, Math.min(room, limits.itemTokensMax()), markup);
  }

  private EncodedItem encode(Item item, Tail tail) {
    ItemText laidOut = layout.apply(item, tail.itemTokensMax() * CHARS_PER_TOKEN);
    if (laidOut.problem() != null) {
      return EncodedItem.bad(laidOut.problem());
    }
    String own = tokenizer.neutralize(laidOut.text());
    int[] joined = tokenizer.encode(lead + own + tail.text());
    EncodedItem encoded;
    int bodyTokens = joined.length - tail.tokens().length;
    boolean fits = bodyTokens <= tail.itemTokensMax() && laidOut.cutChars() == 0;
    if (fits && Tokens.endsWith(joined, tail.tokens())) {
      encoded = new EncodedItem(joined, shared(bodyTokens, tail), 0, null);
    } else {
      encoded = fitted(joined, tokenizer.encode(lead + own), laidOut, tail);
    }
    if (tokenizer.countMarkup(encoded.suffix()) > tail.markup()) {
      return EncodedItem.bad(
          "item: expected text, found what the tokenizer takes for a special token");
    }
    return encoded;
  }

  /** The item's first tokens, as many as fit and end with a whole character, and the tail. */
  private EncodedItem fitted(int[] joined, int[] body, ItemText laidOut, Tail tail) {
    if (body.length <= tail.itemTokensMax() && laidOut.cutChars() == 0) {
      // Item and tail share a token.
      int own = text.itemFirst() ? Math.min(Tokens.common(joined, body), joined.length - 1) : 0;
      return new EncodedItem(joined, own, 0, null);
    }
    int kept = Math.min(body.length, tail.itemTokensMax());
    while (kept > 1 && !tokenizer.endsWithCharacter(body, kept)) {
      kept--;
    }
    // Characters never tokenized count by the tokens per character of those that were.
    long unseen = (long) laidOut.cutChars() * body.length / Math.max(1, laidOut.text().length());
    if (laidOut.cutChars() > 0) {
      unseen = Math.max(1, unseen);
    }
    long cut = Math.min(Integer.MAX_VALUE, body.length - kept + unseen);
    int[] suffix = Tokens.join(Arrays.copyOf(body, kept), tail.tokens());
    return new EncodedItem(suffix, shared(kept, tail), (int) cut, null);
  }

  /** Tokens that other queries share, of which {@code own} are the item's. */
  private int shared(int own, Tail tail) {
    return text.itemFirst() ? own + Math.min(sharedTail, tail.tokens().length - 1) : 0;
  }
}
