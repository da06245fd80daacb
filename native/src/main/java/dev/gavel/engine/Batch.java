package dev.gavel.engine;

import java.util.Arrays;

/**
 * One ragged batch: a forest of token sequences without padding, filled front to back and reused.
 *
 * <p>A sequence sees the KV blocks of its chain, or everything its parent (an earlier sequence of
 * the batch) sees and is; then its own tokens, causally. One prefix with N items is one parent with
 * N children.
 *
 * <pre>{@code
 * batch.clear();
 * batch.labels(table, false);
 * int prefix = batch.prefix(prefixTokens);
 * for (int[] suffix : suffixes) batch.child(prefix, suffix).score();
 * engine.run(batch, result);
 * }</pre>
 */
public final class Batch {
  /** What a sequence yields at its last token, in the order of {@code gavel.h}. */
  public enum Output {
    NONE,
    LABELS,
    SAMPLE,
    LOGITS
  }

  /**
   * One sequence, copied out of its batch.
   *
   * @param parent an earlier sequence, or -1
   * @param chainCounts tokens seen in each of {@code chainBlocks}
   * @param keepStart first slot written in the first of {@code keepBlocks}
   * @param sampling meaningful where {@code output} is SAMPLE, as is {@code draw}
   */
  public record Sequence(
      int parent,
      int[] tokens,
      int[] chainBlocks,
      int[] chainCounts,
      int keepStart,
      int[] keepBlocks,
      Output output,
      Sampling sampling,
      int draw) {}

  /** A growable int array; {@code data} beyond {@code size} is garbage. */
  static final class Ints {
    int[] data = new int[64];
    int size;

    void add(int value) {
      grow(1);
      data[size++] = value;
    }

    void add(int[] values, int from, int to) {
      grow(to - from);
      System.arraycopy(values, from, data, size, to - from);
      size += to - from;
    }

    /** The values between two neighbours of {@code offsets}. */
    int[] slice(Ints offsets, int index) {
      return Arrays.copyOfRange(data, offsets.data[index], offsets.data[index + 1]);
    }

    private void grow(int more) {
      if (size + more > data.length) {
        data = Arrays.copyOf(data, Math.max(size + more, data.length * 2));
      }
    }
  }

  final Ints tokenOffsets = new Ints(); // [sequences + 1]
  final Ints tokens = new Ints();
  final Ints parents = new Ints(); // [sequences]
  final Ints chainOffsets = new Ints(); // [sequences + 1]
  final Ints chainBlocks = new Ints();
  final Ints chainCounts = new Ints();
  final Ints keepOffsets = new Ints(); // [sequences + 1]
  final Ints keepBlocks = new Ints();
  final Ints keepStarts = new Ints(); // [sequences]
  final Ints outputs = new Ints(); // [sequences]
  final Ints topKs = new Ints(); // [sequences]
  final Ints draws = new Ints(); // [sequences]
  float[] temperatures = new float[16]; // [sequences]
  float[] topPs = new float[16]; // [sequences]
  long[] seeds = new long[16]; // [sequences]
  LabelTable labels;
  boolean labelMass;
  private final int[] outputCounts = new int[Output.values().length];
  private volatile boolean cancelled;
  private volatile Runnable onCancel;

  public Batch() {
    clear();
  }

  /** Empties the batch, its labels and its cancellation; keeps the arrays. */
  public void clear() {
    for (Ints offsets : new Ints[] {tokenOffsets, chainOffsets, keepOffsets}) {
      offsets.size = 0;
      offsets.add(0);
    }
    for (Ints flat :
        new Ints[] {
          tokens, parents, chainBlocks, chainCounts, keepBlocks, keepStarts, outputs, topKs, draws
        }) {
      flat.size = 0;
    }
    labels = null;
    labelMass = false;
    Arrays.fill(outputCounts, 0);
    cancelled = false;
    onCancel = null;
  }

  /** The labels of every scored sequence; {@code mass} asks for the mass on them as well. */
  public void labels(LabelTable table, boolean mass) {
    labels = table;
    labelMass = mass;
  }

  /** Adds a sequence without a parent. Give it a chain before adding the next. */
  public int root(int[] newTokens) {
    return add(-1, newTokens, 0, newTokens.length);
  }

  /**
   * Adds what other sequences begin with, unless it has no tokens, as where prompts begin with the
   * item. What is returned is the parent of those that follow.
   */
  public int prefix(int[] newTokens) {
    return newTokens.length == 0 ? -1 : root(newTokens);
  }

  /** Adds a sequence that continues sequence {@code parent}. */
  public int child(int parent, int[] newTokens) {
    return add(parent, newTokens, 0, newTokens.length);
  }

  /** Adds a sequence of {@code newTokens[from, to)}; its index is returned. */
  public int add(int parent, int[] newTokens, int from, int to) {
    int index = size();
    if (parent < -1 || parent >= index) {
      throw new IllegalArgumentException(
          "parent: expected -1 or an earlier sequence (below " + index + "), found " + parent);
    }
    if (to <= from) {
      throw new IllegalArgumentException("sequence " + index + ": expected tokens, found none");
    }
    tokens.add(newTokens, from, to);
    tokenOffsets.add(tokens.size);
    parents.add(parent);
    chainOffsets.add(chainBlocks.size);
    keepOffsets.add(keepBlocks.size);
    keepStarts.add(0);
    outputs.add(Output.NONE.ordinal());
    topKs.add(0);
    draws.add(0);
    if (index >= seeds.length) {
      temperatures = Arrays.copyOf(temperatures, index * 2);
      topPs = Arrays.copyOf(topPs, index * 2);
      seeds = Arrays.copyOf(seeds, index * 2);
    }
    temperatures[index] = 0f;
    topPs[index] = 1f;
    seeds[index] = 0L;
    return index;
  }

  /** The last added sequence (a root) also sees {@code count} tokens of {@code block}. */
  public Batch chain(int block, int count) {
    chainBlocks.add(block);
    chainCounts.add(count);
    chainOffsets.data[chainOffsets.size - 1] = chainBlocks.size;
    return this;
  }

  /**
   * The KV of the last added sequence is written to blocks, from slot {@code start} of the first.
   */
  public Batch keep(int start, int... blocks) {
    keepBlocks.add(blocks, 0, blocks.length);
    keepOffsets.data[keepOffsets.size - 1] = keepBlocks.size;
    keepStarts.data[keepStarts.size - 1] = start;
    return this;
  }

  /** The last added sequence yields label log-probabilities. */
  public Batch score() {
    return output(Output.LABELS);
  }

  /** The last added sequence yields its whole logit row. */
  public Batch logits() {
    return output(Output.LOGITS);
  }

  /** The last added sequence yields a token; {@code draw} counts the draws of its stream from 0. */
  public Batch sample(Sampling sampling, int draw) {
    int last = size() - 1;
    temperatures[last] = sampling.temperature();
    topPs[last] = sampling.topP();
    seeds[last] = sampling.seed();
    topKs.data[last] = sampling.topK();
    draws.data[last] = draw;
    return output(Output.SAMPLE);
  }

  private Batch output(Output output) {
    int last = size() - 1;
    outputCounts[outputs.data[last]]--;
    outputs.data[last] = output.ordinal();
    outputCounts[output.ordinal()]++;
    return this;
  }

  /** Number of sequences. */
  public int size() {
    return parents.size;
  }

  /** Rows this batch computes, without the label trie's. */
  public int tokens() {
    return tokens.size;
  }

  /** Number of sequences with the given output ({@code NONE} is not counted). */
  public int count(Output output) {
    return outputCounts[output.ordinal()];
  }

  /** Sequence {@code index}, copied; for engines that are not native and for logs. */
  public Sequence sequence(int index) {
    if (index < 0 || index >= size()) {
      throw new IndexOutOfBoundsException(
          "sequence: expected 0 to " + (size() - 1) + ", found " + index);
    }
    return new Sequence(
        parents.data[index],
        tokens.slice(tokenOffsets, index),
        chainBlocks.slice(chainOffsets, index),
        chainCounts.slice(chainOffsets, index),
        keepStarts.data[index],
        keepBlocks.slice(keepOffsets, index),
        Output.values()[outputs.data[index]],
        new Sampling(temperatures[index], topKs.data[index], topPs[index], seeds[index]),
        draws.data[index]);
  }

  /** Whether the mass on the labels is asked for. */
  public boolean labelMass() {
    return labelMass;
  }

  /** The label table, or null. */
  public LabelTable labelTable() {
    return labels;
  }

  /** Asks a running {@link Engine#run} to stop between two layers; any thread, any time. */
  public void cancel() {
    cancelled = true;
    Runnable action = onCancel;
    if (action != null) {
      action.run();
    }
  }

  /** Whether {@link #cancel} was called since {@link #clear}. */
  public boolean isCancelled() {
    return cancelled;
  }

  /** An engine's hook into {@link #cancel}; called at once if already cancelled. */
  void onCancel(Runnable action) {
    onCancel = action;
    if (cancelled && action != null) {
      action.run();
    }
  }
}
