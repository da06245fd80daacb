package dev.gavel.relevance.edit;

import java.nio.file.Path;
import java.util.List;

/**
 * What to take away.
 *
 * @param layers the layers to keep, as {@link LayerList} reads them; null: all
 * @param tokensMax tokens to keep at most; 0: all
 * @param corpora texts by which tokens are chosen, see {@link Corpus}; empty where all are kept
 * @param manifest the {@code gavel.json} that the result gets, its texts stay tokens; null: the
 *     base's
 */
public record PruneSpec(String layers, int tokensMax, List<Path> corpora, Path manifest) {
  public PruneSpec {
    corpora = List.copyOf(corpora);
  }
}
