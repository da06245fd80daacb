package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.LabelTable;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.Quantization;
import java.util.List;

/** An engine of which only the size counts. */
final class NoEngine implements Engine {
  private final int blocks;

  NoEngine(int blocks) {
    this.blocks = blocks;
  }

  @Override
  public ModelConfig config() {
    throw new UnsupportedOperationException();
  }

  @Override
  public EngineInfo info() {
    return new EngineInfo(
        "cpu", Quantization.INT8, "generic", 1, 4096, 16, blocks, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public LabelTable labels(List<List<int[]>> forms) {
    return new LabelTable() {
      @Override
      public int labels() {
        return forms.size();
      }

      @Override
      public int extraRows() {
        return 0;
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public void run(Batch batch, BatchResult result) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
