package dev.gavel.training.evaluation;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Scores judged pairs on the engine, as the server would: the pairs of a query share its prefix.
 * Belongs to one thread.
 */
public final class EngineScorer implements AutoCloseable {
  private final RelevanceModel model;
  private final Engine engine;
  private final LabelTable labels;
  private final int batchTokensMax;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  /** Loads the model's weights. */
  public EngineScorer(RelevanceModel model, EngineOptions options) {
    this.model = model;
    this.engine = model.loadEngine(options);
    try {
      this.labels = engine.labels(model.labelTokens());
    } catch (RuntimeException e) {
      engine.close();
      throw e;
    }
    this.batchTokensMax = options.batchTokensMax();
  }

  /**
   * Scores pairs; the answers are in their order.
   *
   * @throws IllegalArgumentException naming the first pair without a grade of the label set, or
   *     that cannot be judged
   */
  public List<Scored> score(List<Judgment> pairs) {
    return score(pairs, done -> {});
  }

  /**
   * The same.
   *
   * @param progress hears how many pairs are done, after every query
   */
  public List<Scored> score(List<Judgment> pairs, IntConsumer progress) {
    int[] truths = pairs.stream().mapToInt(pair -> GradeIndex.of(model.labels(), pair)).toArray();
    Map<String, List<Integer>> byQuery = new LinkedHashMap<>();
    for (int i = 0; i < pairs.size(); i++) {
      byQuery.computeIfAbsent(pairs.get(i).query(), query -> new ArrayList<>()).add(i);
    }
    Scored[] out = new Scored[pairs.size()];
    int[] done = {0};
    byQuery.forEach(
        (query, own) -> {
          List<Judgment> page = own.stream().map(pairs::get).toList();
          List<double[]> probabilities = page(query, page);
          for (int i = 0; i < page.size(); i++) {
            int place = own.get(i);
            out[place] = new Scored(page.get(i).id(), query, truths[place], probabilities.get(i));
          }
          done[0] += page.size();
          progress.accept(done[0]);
        });
    return Arrays.asList(out);
  }

  /** Probabilities of the labels for all pairs of one query, in as few batches as fit. */
  private List<double[]> page(String query, List<Judgment> page) {
    EncodedQuery encoded = model.encode(query, page.stream().map(Judgment::item).toList());
    List<double[]> out = new ArrayList<>();
    List<int[]> suffixes = new ArrayList<>();
    int rows = encoded.prefix().length;
    for (int i = 0; i < page.size(); i++) {
      EncodedItem item = encoded.items().get(i);
      if (!item.isOk()) {
        throw new IllegalArgumentException("pair " + page.get(i).id() + ": " + item.problem());
      }
      int more = item.suffix().length + labels.extraRows();
      if (!suffixes.isEmpty() && rows + more > batchTokensMax) {
        out.addAll(run(encoded.prefix(), suffixes));
        suffixes.clear();
        rows = encoded.prefix().length;
      }
      suffixes.add(item.suffix());
      rows += more;
    }
    out.addAll(run(encoded.prefix(), suffixes));
    return out;
  }

  private List<double[]> run(int[] prefix, List<int[]> suffixes) {
    batch.clear();
    batch.labels(labels, false);
    int parent = batch.prefix(prefix);
    for (int[] suffix : suffixes) {
      batch.child(parent, suffix);
      batch.score();
    }
    engine.run(batch, result);
    return IntStream.range(0, suffixes.size())
        .mapToObj(i -> LabelDistribution.of(model.labels(), result.labelLogProbabilities(i)))
        .map(EngineScorer::values)
        .toList();
  }

  private static double[] values(LabelDistribution distribution) {
    return IntStream.range(0, distribution.labels().size())
        .mapToDouble(distribution::probability)
        .toArray();
  }

  @Override
  public void close() {
    labels.close();
    engine.close();
  }
}
