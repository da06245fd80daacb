package dev.gavel.server.api;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.results.Judgment;
import dev.gavel.server.results.ResultCache;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.Scheduler;
import dev.gavel.server.scheduling.ScoreJob;
import dev.gavel.server.scheduling.StageSeconds;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The items of one Score request on their way: those that the result cache knows are answered from
 * there, the others are encoded and computed. Used by one thread at a time.
 */
final class ScoreItems {
  private final Serving serving;
  private final ScoreRequest request;
  private final ResultCache.Page page; // null: the cache is not asked
  private final int[] missing; // items that the cache does not know
  private final String[] problems; // [items] why an item has no judgment, or null
  private final Judgment[] judgments; // [items]
  private List<Item> items; // null until asked for
  private EncodedQuery encoded; // [missing]
  private long rows;

  /** Looks the items up; a caller who asks for tokens gets them computed. */
  ScoreItems(Serving serving, ScoreRequest request) {
    this.serving = serving;
    this.request = request;
    this.page =
        serving.results().isOn() && !request.getTokens()
            ? serving.results().page(request.getQuery(), items(), request.getLabelMass())
            : null;
    this.problems = new String[request.getItemsCount()];
    this.judgments = new Judgment[request.getItemsCount()];
    this.missing = IntStream.range(0, request.getItemsCount()).filter(i -> !isCached(i)).toArray();
  }

  /** Converted no sooner than needed: without a cache, after admission. */
  private List<Item> items() {
    if (items == null) {
      items = Wire.items(request.getItemsList());
    }
    return items;
  }

  private boolean isCached(int item) {
    return page != null && page.get(item) != null;
  }

  /** Items that are to be computed. */
  int missing() {
    return missing.length;
  }

  /**
   * Renders and tokenizes what is missing.
   *
   * @throws dev.gavel.relevance.InvalidRequestException if the query cannot be judged
   */
  void encode() {
    List<Item> wanted = new ArrayList<>(missing.length);
    for (int item : missing) {
      wanted.add(items().get(item));
    }
    encoded = serving.model().encode(request.getQuery(), wanted);
  }

  /** What is to be computed of it; null if no item can be. */
  ScoreJob.Work work(Scheduler.Capacity capacity) {
    List<EncodedItem> good = new ArrayList<>(missing.length);
    rows = encoded.prefix().length;
    for (int i = 0; i < missing.length; i++) {
      EncodedItem item = encoded.items().get(i);
      String problem = problem(item, capacity);
      problems[missing[i]] = problem;
      if (problem == null) {
        good.add(item);
        rows += item.suffix().length + capacity.labelRows();
      }
      count(item, problem);
    }
    return good.isEmpty()
        ? null
        : new ScoreJob.Work(encoded.prefix(), good, request.getLabelMass());
  }

  /** Rows of that work, were all in one batch. */
  long rows() {
    return rows;
  }

  /** Why an item cannot be computed, or null. */
  private String problem(EncodedItem item, Scheduler.Capacity capacity) {
    if (!item.isOk()) {
      return item.problem();
    }
    int needed = encoded.prefix().length + item.suffix().length + capacity.labelRows();
    int most = Math.min(capacity.rowsMax(), serving.model().config().maxPositions());
    return needed <= most
        ? null
        : "expected at most " + most + " tokens with prompt and label, found " + needed;
  }

  private void count(EncodedItem item, String problem) {
    if (problem != null) {
      serving.stats().count(Counter.BAD_ITEMS);
    } else if (item.truncatedTokens() > 0) {
      serving.stats().count(Counter.TRUNCATED_ITEMS);
    }
  }

  /** Takes what was computed of the work. */
  void computed(ScoreJob.Result result) {
    int row = 0;
    for (int i = 0; i < missing.length; i++) {
      if (problems[missing[i]] == null) {
        int truncated = encoded.items().get(i).truncatedTokens();
        judgments[missing[i]] =
            new Judgment(result.logProbabilities()[row], result.logMass()[row], truncated);
        row++;
      }
    }
  }

  /** The whole answer; what it says of computed items is kept for callers to come. */
  ScoreResponse answer(double tokenizeSeconds, StageSeconds stages) {
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder()
            .setRequestId(request.getRequestId())
            .setModel(Wire.version(serving))
            .setTimes(Wire.times(tokenizeSeconds, stages));
    for (int i = 0; i < problems.length; i++) {
      response.addItems(item(i));
    }
    if (page != null) {
      page.done();
    }
    if (request.getTokens()) {
      response
          .addAllPrefixTokens(Wire.asList(encoded.prefix()))
          .addAllLabelTokens(Wire.labelTokens(serving.model()));
    }
    return response.build();
  }

  private ScoredItem.Builder item(int index) {
    String id = request.getItems(index).getId();
    if (problems[index] != null) {
      return Wire.failed(id, Fault.ITEM_REFUSED, problems[index]);
    }
    Judgment judgment = isCached(index) ? page.get(index) : judgments[index];
    LabelDistribution distribution;
    try {
      distribution = LabelDistribution.of(serving.model().labels(), judgment.logProbabilities());
    } catch (IllegalArgumentException e) {
      return Wire.failed(id, Fault.INTERNAL, "no distribution: " + e.getMessage());
    }
    ScoredItem.Builder scored =
        Wire.judged(id, distribution, serving.model().tierRule())
            .setTruncatedTokens(judgment.truncatedTokens())
            .setCached(isCached(index));
    if (request.getLabelMass()) {
      scored.setLogLabelMass(judgment.logMass());
    }
    if (page != null && !isCached(index)) {
      page.put(index, judgment);
    }
    // Who asks for tokens has every item encoded, so that the places are the same.
    return request.getTokens() ? Wire.tokens(scored, encoded.items().get(index)) : scored;
  }
}
