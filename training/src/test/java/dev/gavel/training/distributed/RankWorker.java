package dev.gavel.training.distributed;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineException;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.Quantization;
import dev.gavel.engine.Rank;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** One rank of two: half of every model, on the host's model of a device, sums over Gloo. */
final class RankWorker {
  static final List<String> SHAPES =
      List.of("tiny-llama", "tiny-qwen2", "tiny-qwen3", "qwen3-moe-tiny");
  static final String TOKENS = ".tokens";
  static final String BYTES = "bytes.txt";
  static final String LOST = "lost.txt";
  private static final List<List<int[]>> LABELS =
      List.of(
          List.of(new int[] {5}), List.of(new int[] {9, 3}, new int[] {7}), List.of(new int[] {8}));

  /** An address that native code gave. */
  private static final class Memory extends Pointer {
    Memory(long at) {
      address = at;
    }
  }

  private RankWorker() {}

  /** Rank, file to meet at, folder of the models, folder for results. */
  public static void main(String[] args) throws IOException {
    Torch.load();
    Torch.threads(1);
    int rank = Integer.parseInt(args[0]);
    Path out = Path.of(args[3]);
    Files.createDirectories(out);
    WorkerSpec spec =
        new WorkerSpec(
            rank,
            2,
            new WorkerSpec.SharedFile(Path.of(args[1])),
            Duration.ofMinutes(5),
            Duration.ofMinutes(5));
    GlooExchange exchange = GlooExchange.join(spec);
    Rank part = new Rank(rank, 2, (at, n, type, stream) -> sum(exchange, at, n, type));
    EngineOptions options = new EngineOptions("cuda:0", Quantization.BF16, 1, 256, 16, 16);
    for (String shape : SHAPES) {
      try (Engine engine =
          engine(Path.of(args[2], shape), config -> EngineBuilder.create(config, options, part))) {
        Files.writeString(out.resolve(shape), judge(engine).toString());
        Files.writeString(out.resolve(shape + TOKENS), reason(engine).toString());
        if (shape.equals(SHAPES.get(0))) {
          Files.writeString(
              out.resolve(BYTES),
              engine.info().weightBytes() + " " + engine.info().kvBytesPerToken());
        }
      }
    }
    Path last = Path.of(args[2], SHAPES.get(0));
    try (Engine engine = engine(last, config -> EngineBuilder.create(config, options, part))) {
      if (rank == 0) {
        loseTheOther(engine, out.resolve(LOST));
      }
    }
    exchange.close();
  }

  /** The other has gone by now, or goes soon. */
  private static void loseTheOther(Engine engine, Path file) throws IOException {
    try {
      judge(engine);
    } catch (EngineException e) {
      Files.writeString(file, e.code() + " " + e.getMessage() + " " + e.getCause().getMessage());
    }
  }

  private static void sum(GlooExchange exchange, long address, long elements, DType type) {
    ScalarType scalars = type == DType.BF16 ? ScalarType.BFloat16 : ScalarType.Float;
    try (PointerScope scope = new PointerScope()) {
      Tensor terms =
          torch.from_blob(new Memory(address), new long[] {elements}, new TensorOptions(scalars));
      exchange.sum(terms, "a layer's result");
    }
  }

  static Engine engine(Path model, Function<ModelConfig, EngineBuilder> builders) {
    Weights weights = Weights.open(model);
    try (EngineBuilder builder = builders.apply(weights.config())) {
      weights.forEach(builder::tensor);
      return builder.build();
    }
  }

  /**
   * Label log-probabilities of items behind a prefix that is kept in blocks 0 and 1, and of items
   * that find it there.
   */
  static List<Float> judge(Engine engine) {
    SplittableRandom random = new SplittableRandom(17);
    int vocabulary = engine.config().vocabulary();
    List<Float> out = new ArrayList<>();
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (LabelTable labels = engine.labels(LABELS)) {
      int[] lengths = {4, 1, 19};
      batch.labels(labels, false);
      int prefix = batch.root(random.ints(21, 0, vocabulary).toArray());
      batch.keep(0, 0, 1);
      for (int length : lengths) {
        batch.child(prefix, random.ints(length, 0, vocabulary).toArray());
        batch.score();
      }
      engine.run(batch, result);
      collect(result, lengths.length, out);
      batch.clear();
      batch.labels(labels, false);
      for (int length : lengths) {
        batch.root(random.ints(length, 0, vocabulary).toArray());
        batch.chain(0, 16).chain(1, 5).score();
      }
      engine.run(batch, result);
      collect(result, lengths.length, out);
    }
    return out;
  }

  /** How a stream behind the prefix that {@link #judge} kept goes on. */
  private static List<Integer> reason(Engine engine) {
    List<Integer> out = new ArrayList<>();
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    int next = 1;
    for (int draw = 0; draw < 8; draw++) {
      batch.clear();
      batch.root(new int[] {next});
      batch.chain(0, 16).chain(1, 5);
      if (draw > 0) {
        batch.chain(2, draw);
      }
      batch.keep(draw, 2).sample(new Sampling(1, 40, .95f, 7), draw);
      engine.run(batch, result);
      next = result.sampledToken(0);
      out.add(next);
    }
    return out;
  }

  private static void collect(BatchResult result, int items, List<Float> out) {
    for (int i = 0; i < items; i++) {
      for (float value : result.labelLogProbabilities(i)) {
        out.add(value);
      }
    }
  }
}
