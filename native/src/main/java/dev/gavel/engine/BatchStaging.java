package dev.gavel.engine;

import dev.gavel.engine.binding.NativeBatch;
import dev.gavel.engine.binding.NativeLabels;
import dev.gavel.engine.binding.NativeOutputs;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/** Direct memory that carries a batch over the seam; grown when needed, otherwise reused. */
final class BatchStaging implements AutoCloseable {

  /** An int array in direct memory. */
  private static final class Ints implements AutoCloseable {
    private IntPointer pointer = new IntPointer(64);

    IntPointer copy(int[] source, int size) {
      if (pointer.capacity() < size) {
        pointer.close();
        pointer = new IntPointer(size * 2L);
      }
      return pointer.put(source, 0, size);
    }

    IntPointer room(int size) {
      if (pointer.capacity() < size) {
        pointer.close();
        pointer = new IntPointer((long) size);
      }
      return pointer;
    }

    @Override
    public void close() {
      pointer.close();
    }
  }

  /** A float array in direct memory. */
  private static final class Floats implements AutoCloseable {
    private FloatPointer pointer = new FloatPointer(64);

    FloatPointer room(int size) {
      if (pointer.capacity() < size) {
        pointer.close();
        pointer = new FloatPointer((long) size);
      }
      return pointer;
    }

    FloatPointer copy(float[] source, int size) {
      return room(size).put(source, 0, size);
    }

    void read(float[] target, int size) {
      pointer.get(target, 0, size);
    }

    @Override
    public void close() {
      pointer.close();
    }
  }

  private final NativeBatch batch = new NativeBatch();
  private final NativeOutputs outputs = new NativeOutputs();
  private final IntPointer cancel = new IntPointer(1);
  private final Ints tokenOffsets = new Ints();
  private final Ints tokens = new Ints();
  private final Ints parents = new Ints();
  private final Ints chainOffsets = new Ints();
  private final Ints chainBlocks = new Ints();
  private final Ints chainCounts = new Ints();
  private final Ints keepOffsets = new Ints();
  private final Ints keepBlocks = new Ints();
  private final Ints keepStarts = new Ints();
  private final Ints kinds = new Ints();
  private final Ints topKs = new Ints();
  private final Ints draws = new Ints();
  private final Floats temperatures = new Floats();
  private final Floats topPs = new Floats();
  private LongPointer seeds = new LongPointer(64);
  private final Floats labelLogProbabilities = new Floats();
  private final Floats labelLogMass = new Floats();
  private final Ints sampledTokens = new Ints();
  private final Floats sampledLogProbabilities = new Floats();
  private final Floats logits = new Floats();

  BatchStaging() {
    Pointer.memset(batch, 0, batch.sizeof());
    Pointer.memset(outputs, 0, outputs.sizeof());
  }

  NativeBatch batch() {
    return batch;
  }

  NativeOutputs outputs() {
    return outputs;
  }

  /** Copies a batch over and makes room for its outputs. */
  void fill(Batch source, NativeLabels labels, BatchResult result) {
    int sequences = source.size();
    batch
        .sequences(sequences)
        .token_offsets(copy(tokenOffsets, source.tokenOffsets))
        .tokens(copy(tokens, source.tokens))
        .parents(copy(parents, source.parents))
        .chain_offsets(copy(chainOffsets, source.chainOffsets))
        .chain_blocks(copy(chainBlocks, source.chainBlocks))
        .chain_counts(copy(chainCounts, source.chainCounts))
        .keep_offsets(copy(keepOffsets, source.keepOffsets))
        .keep_blocks(copy(keepBlocks, source.keepBlocks))
        .keep_starts(copy(keepStarts, source.keepStarts))
        .outputs(copy(kinds, source.outputs))
        .top_ks(copy(topKs, source.topKs))
        .draws(copy(draws, source.draws))
        .temperatures(temperatures.copy(source.temperatures, sequences))
        .top_ps(topPs.copy(source.topPs, sequences))
        .seeds(copySeeds(source.seeds, sequences))
        .labels(labels)
        .label_mass(source.labelMass ? 1 : 0)
        .cancel(cancel);
    int scored = source.count(Batch.Output.LABELS);
    int sampled = source.count(Batch.Output.SAMPLE);
    outputs
        .label_log_probabilities(labelLogProbabilities.room(scored * result.labels))
        .label_log_mass(labelLogMass.room(scored))
        .sampled_tokens(sampledTokens.room(sampled))
        .sampled_log_probabilities(sampledLogProbabilities.room(sampled))
        .logits(logits.room(source.count(Batch.Output.LOGITS) * result.vocabulary));
    cancel.put(0, 0);
    source.onCancel(() -> cancel.put(0, 1));
  }

  private static IntPointer copy(Ints target, Batch.Ints source) {
    return target.copy(source.data, source.size);
  }

  private LongPointer copySeeds(long[] source, int size) {
    if (seeds.capacity() < size) {
      seeds.close();
      seeds = new LongPointer(size * 2L);
    }
    return seeds.put(source, 0, size);
  }

  /** Copies the outputs back. */
  void read(Batch source, BatchResult result) {
    int scored = source.count(Batch.Output.LABELS);
    int sampled = source.count(Batch.Output.SAMPLE);
    labelLogProbabilities.read(result.labelLogProbabilities, scored * result.labels);
    if (source.labelMass) {
      labelLogMass.read(result.labelLogMass, scored);
    }
    sampledTokens.pointer.get(result.sampledTokens, 0, sampled);
    sampledLogProbabilities.read(result.sampledLogProbabilities, sampled);
    logits.read(result.logits, source.count(Batch.Output.LOGITS) * result.vocabulary);
    result.setSeconds(outputs.prefill_seconds(), outputs.head_seconds());
  }

  @Override
  public void close() {
    for (Ints ints :
        new Ints[] {
          tokenOffsets,
          tokens,
          parents,
          chainOffsets,
          chainBlocks,
          chainCounts,
          keepOffsets,
          keepBlocks,
          keepStarts,
          kinds,
          topKs,
          draws,
          sampledTokens
        }) {
      ints.close();
    }
    for (Floats floats :
        new Floats[] {
          temperatures, topPs, labelLogProbabilities, labelLogMass, sampledLogProbabilities, logits
        }) {
      floats.close();
    }
    seeds.close();
    cancel.close();
    batch.close();
    outputs.close();
  }
}
