package dev.gavel.cli.bench;

import dev.gavel.cli.ShapeConverter;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** What a benchmark runs on: one of the two is given. */
final class ModelFlags {
  private static final List<List<int[]>> SHAPE_LABELS =
      IntStream.rangeClosed(1, 4).mapToObj(id -> List.of(new int[] {id})).toList();

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      converter = ShapeConverter.class,
      completionCandidates = ShapeConverter.Names.class,
      description = "Random weights of a named shape: ${COMPLETION-CANDIDATES}.")
  ModelShape shape;

  @Option(names = "--model", paramLabel = "DIR", description = "A model directory.")
  Path model;

  /** What is done with an engine, its model's name, and tokens of labels: the forms of each. */
  interface Use<T> {
    T of(String name, Engine engine, List<List<int[]>> labels);
  }

  /** Opens what was asked for, uses it once, and closes it. */
  <T> T with(EngineOptions options, long seed, Use<T> use) {
    if (shape != null) {
      try (Engine engine = RandomModel.engine(shape, options, seed)) {
        return use.of(shape.name(), engine, SHAPE_LABELS);
      }
    }
    try (RelevanceModel opened = RelevanceModel.open(model);
        Engine engine = opened.loadEngine(options)) {
      return use.of(opened.name(), engine, opened.labelTokens());
    }
  }
}
