package dev.gavel.engine;

import dev.gavel.engine.binding.Gavel;
import dev.gavel.engine.binding.NativeEngine;
import dev.gavel.engine.binding.NativeInfo;
import dev.gavel.engine.binding.NativeLabels;
import java.util.List;

/** The native engine behind {@link Engine}. */
final class LibGavelEngine implements Engine {
  private final ModelConfig config;
  private final EngineOptions options;
  private final String instructionSet;
  private final BatchStaging staging = new BatchStaging();
  private final RankSums sums; // called by the engine; null without ranks in other processes
  private NativeEngine handle; // null once closed; guarded by this

  LibGavelEngine(NativeEngine handle, ModelConfig config, EngineOptions options, RankSums sums) {
    this.sums = sums;
    this.handle = handle;
    this.config = config;
    this.options = options;
    this.instructionSet = Gavel.gavel_instruction_set().getString();
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public EngineInfo info() {
    try (NativeInfo info = new NativeInfo()) {
      synchronized (this) {
        NativeRuntime.check(Gavel.gavel_engine_info(open(), info));
      }
      return new EngineInfo(
          options.device(),
          options.quantization(),
          instructionSet,
          options.threads(),
          options.batchTokensMax(),
          options.blockTokens(),
          options.blocks(),
          info.parameters(),
          info.linear_parameters(),
          info.weight_bytes(),
          info.kv_bytes(),
          info.kv_bytes_per_token(),
          info.workspace_bytes(),
          info.batches(),
          info.tokens(),
          info.cancelled_batches(),
          new EngineInfo.Graphs(info.graphs(), info.graph_replays(), info.graph_failures()));
    }
  }

  @Override
  public LabelTable labels(List<List<int[]>> forms) {
    int total = forms.stream().mapToInt(List::size).sum();
    int tokens = forms.stream().flatMap(List::stream).mapToInt(form -> form.length).sum();
    int[] formLabels = new int[total];
    int[] offsets = new int[total + 1];
    int[] flat = new int[Math.max(tokens, 1)];
    int f = 0;
    for (int label = 0; label < forms.size(); label++) {
      for (int[] form : forms.get(label)) {
        formLabels[f] = label;
        System.arraycopy(form, 0, flat, offsets[f], form.length);
        offsets[f + 1] = offsets[f] + form.length;
        f++;
      }
    }
    NativeLabels labels = new NativeLabels();
    synchronized (this) {
      NativeRuntime.check(
          Gavel.gavel_labels_create(
              open(), forms.size(), total, formLabels, offsets, flat, labels));
    }
    return new Labels(labels, forms.size());
  }

  @Override
  public void run(Batch batch, BatchResult result) {
    NativeEngine engine = open();
    result.prepare(batch, config.vocabulary());
    LabelTable table = batch.labelTable();
    if (table != null && !(table instanceof Labels)) {
      throw new EngineException(
          EngineException.Code.INVALID_ARGUMENT,
          "labels: expected a table of this engine, found " + table.getClass().getName());
    }
    staging.fill(batch, table == null ? null : ((Labels) table).handle(), result);
    try {
      RankSums.check(sums, Gavel.gavel_engine_run(engine, staging.batch(), staging.outputs()));
    } finally {
      batch.onCancel(null);
    }
    staging.read(batch, result);
  }

  private synchronized NativeEngine open() {
    if (handle == null) {
      throw new EngineException(
          EngineException.Code.FAILED_PRECONDITION, "engine: expected to be open, found it closed");
    }
    return handle;
  }

  @Override
  public synchronized void close() {
    if (handle != null) {
      Gavel.gavel_engine_destroy(handle);
      handle = null;
      staging.close();
      if (sums != null) {
        sums.close();
      }
    }
  }

  /** A label trie in native memory. */
  private static final class Labels implements LabelTable {
    private final int count;
    private final int extraRows;
    private NativeLabels handle;

    Labels(NativeLabels handle, int count) {
      this.handle = handle;
      this.count = count;
      this.extraRows = Gavel.gavel_labels_extra_rows(handle);
    }

    NativeLabels handle() {
      if (handle == null) {
        throw new EngineException(
            EngineException.Code.FAILED_PRECONDITION,
            "labels: expected to be open, found them closed");
      }
      return handle;
    }

    @Override
    public int labels() {
      return count;
    }

    @Override
    public int extraRows() {
      return extraRows;
    }

    @Override
    public void close() {
      if (handle != null) {
        Gavel.gavel_labels_destroy(handle);
        handle = null;
      }
    }
  }
}
