package dev.gavel.cli.bench;

import dev.gavel.cli.ShapeConverter;
import dev.gavel.relevance.model.ModelShape;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** What a benchmark runs on: one of the two is given. */
final class ModelFlags {
  @Option(
      names = "--shape",
      paramLabel = "NAME",
      converter = ShapeConverter.class,
      completionCandidates = ShapeConverter.Names.class,
      description = "Random weights of a named shape: ${COMPLETION-CANDIDATES}.")
  ModelShape shape;

  @Option(names = "--model", paramLabel = "DIR", description = "A model directory.")
  Path model;
}
