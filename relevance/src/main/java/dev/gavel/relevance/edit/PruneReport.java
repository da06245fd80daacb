package dev.gavel.relevance.edit;

/**
 * A model before and after.
 *
 * @param corpusTokens tokens of the corpora by the old tokenizer; 0 without corpora
 * @param corpusTokensKept those among them that the new vocabulary still has
 */
public record PruneReport(Size before, Size after, long corpusTokens, long corpusTokensKept) {
  /**
   * @param bytes of all files of the directory
   */
  public record Size(int layers, int vocabulary, long parameters, long bytes) {}
}
