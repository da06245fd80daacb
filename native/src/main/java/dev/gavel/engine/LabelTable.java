package dev.gavel.engine;

/** The token trie of a label set, owned by the engine that made it. */
public interface LabelTable extends AutoCloseable {
  /** Number of labels. */
  int labels();

  /** Rows that each scored sequence adds to a batch: the trie's inner nodes below the root. */
  int extraRows();

  @Override
  void close();
}
