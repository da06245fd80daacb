package dev.gavel.server.api;

import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.Quantization;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.results.ResultCache;
import dev.gavel.server.scheduling.Scheduler;
import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/** What the benchmarks of this package begin with. */
final class Requests {
  /** Items of a request. */
  static final int ITEMS = 48;

  static final Scheduler.Capacity CAPACITY = new Scheduler.Capacity(4096, 0, 1024, 16);

  /** Words of an item. */
  private static final int WORDS = 24;

  private static final int WORD_COUNT = 30_000;
  private static final String CONSONANTS = "bcdfghklmnprst";
  private static final String VOWELS = "aeiou";

  private Requests() {}

  static RelevanceModel model() {
    return RelevanceModel.open(Path.of(System.getProperty("gavel.model")));
  }

  /** What a call needs until it is submitted. */
  static Serving serving(RelevanceModel model, long resultBytes) {
    ServerStats stats = new ServerStats();
    EngineInfo engine =
        new EngineInfo(
            "cpu", Quantization.INT8, "generic", 1, 4096, 16, 1024, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    ResultCache results =
        new ResultCache(new ResultCache.Bounds(resultBytes, Duration.ofHours(1)), stats);
    return new Serving(
        model,
        engine,
        "cpu",
        null,
        List::of,
        Runnable::run,
        Runnable::run,
        stats,
        new CallGate(stats),
        results.newGeneration(),
        4 << 20,
        1);
  }

  static ScoreRequest request(SplittableRandom random) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(words(4, random));
    for (int i = 0; i < ITEMS; i++) {
      request.addItems(Item.newBuilder().setId("sku-" + i).setText(words(WORDS, random)));
    }
    return request.build();
  }

  /** Common and rare words, as in titles: of 30,000, the n-th by the cube root of n; numbers. */
  private static String words(int count, SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(i == 0 ? "" : random.nextInt(6) == 0 ? ", " : " ");
      if (random.nextInt(8) == 0) {
        text.append(random.nextInt(1000));
      } else {
        text.append(word((int) (WORD_COUNT * Math.pow(random.nextDouble(), 3))));
      }
    }
    return text.toString();
  }

  private static String word(int number) {
    StringBuilder word = new StringBuilder();
    for (int left = number + 1; left > 0; left /= CONSONANTS.length() * VOWELS.length()) {
      word.append(CONSONANTS.charAt(left % CONSONANTS.length()));
      word.append(VOWELS.charAt(left / CONSONANTS.length() % VOWELS.length()));
    }
    return word.toString();
  }
}
