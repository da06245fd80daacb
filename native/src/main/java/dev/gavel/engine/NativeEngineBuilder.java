package dev.gavel.engine;

import dev.gavel.engine.binding.Gavel;
import dev.gavel.engine.binding.NativeConfig;
import dev.gavel.engine.binding.NativeEngine;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/** Builds {@link LibGavelEngine}s. */
final class NativeEngineBuilder implements EngineBuilder {
  /** Names the folder of a LibTorch with CUDA; libgavel.so names it in its message too. */
  private static final String LIBTORCH_VARIABLE = "GAVEL_LIBTORCH";

  private final ModelConfig config;
  private final EngineOptions options;
  private final RankSums sums; // null without ranks in other processes
  private NativeEngine handle;

  NativeEngineBuilder(ModelConfig config, EngineOptions options, Rank rank) {
    this.config = config;
    this.options = options;
    DeviceName device = DeviceName.parse(options.device());
    NativeRuntime.load();
    if (device.cuda()) {
      openLibtorch();
    }
    handle = new NativeEngine();
    sums = rank == null ? null : new RankSums(rank.collective());
    try (NativeConfig nativeConfig = new NativeConfig();
        BytePointer denseLayers = denseLayers(config);
        IntPointer devices = new IntPointer(device.indexes());
        IntPointer cores = cores(options)) {
      Pointer.memset(nativeConfig, 0, nativeConfig.sizeof());
      fillShape(nativeConfig);
      nativeConfig.dense_layers(denseLayers);
      fillRoom(nativeConfig, device);
      nativeConfig.cores(cores);
      if (rank != null) {
        nativeConfig.ranks(rank.count()).rank(rank.index()).all_reduce(sums);
      } else if (device.indexes().length > 1) {
        nativeConfig.ranks(device.indexes().length).rank_devices(devices);
      }
      check(Gavel.gavel_engine_create(nativeConfig, handle));
    }
  }

  private void check(int status) {
    RankSums.check(sums, status);
  }

  /**
   * LibTorch multiplies the matrices on a CUDA device; where it is not named, the engine says so.
   */
  private static void openLibtorch() {
    String directory = System.getenv(LIBTORCH_VARIABLE);
    if (directory != null && !directory.isEmpty()) {
      Hardware.openLibtorch(Path.of(directory));
    }
  }

  private static IntPointer cores(EngineOptions options) {
    List<Integer> cores = options.cores();
    if (!cores.isEmpty() && cores.size() != options.threads()) {
      throw new EngineException(
          EngineException.Code.INVALID_ARGUMENT,
          "cores: expected one for each of %d threads, found %d"
              .formatted(options.threads(), cores.size()));
    }
    return cores.isEmpty()
        ? new IntPointer()
        : new IntPointer(cores.stream().mapToInt(Integer::intValue).toArray());
  }

  private static BytePointer denseLayers(ModelConfig config) {
    BytePointer flags = new BytePointer((long) Math.max(config.layers(), 1));
    for (int layer = 0; layer < config.layers(); layer++) {
      flags.put(layer, (byte) (config.denseLayers().get(layer) ? 1 : 0));
    }
    return flags;
  }

  private void fillShape(NativeConfig target) {
    RopeScaling scaling = config.ropeScaling();
    target
        .vocabulary(config.vocabulary())
        .hidden(config.hidden())
        .layers(config.layers())
        .heads(config.heads())
        .kv_heads(config.kvHeads())
        .head_dim(config.headDim())
        .intermediate(config.intermediate())
        .max_positions(config.maxPositions())
        .rope_theta(config.ropeTheta())
        .rms_epsilon(config.rmsEpsilon())
        .rope_scaling(scaling.kind().ordinal())
        .rope_factor(scaling.factor())
        .rope_low_frequency_factor(scaling.lowFrequencyFactor())
        .rope_high_frequency_factor(scaling.highFrequencyFactor())
        .rope_original_positions(scaling.originalPositions())
        .qkv_bias(flag(config.qkvBias()))
        .qk_norm(flag(config.qkNorm()))
        .tied_embeddings(flag(config.tiedEmbeddings()))
        .experts(config.experts())
        .experts_per_token(config.expertsPerToken())
        .expert_intermediate(config.expertIntermediate())
        .normalize_experts(flag(config.normalizeExperts()));
  }

  private void fillRoom(NativeConfig target, DeviceName device) {
    target
        .device_type(device.cuda() ? Gavel.GAVEL_CUDA : Gavel.GAVEL_CPU)
        .device_index(device.cuda() ? device.indexes()[0] : 0)
        .quantization(options.quantization().ordinal())
        .threads(options.threads())
        .batch_tokens_max(options.batchTokensMax())
        .block_tokens(options.blockTokens())
        .blocks(options.blocks())
        .graphs(flag(options.cudaGraphs()));
  }

  private static int flag(boolean value) {
    return value ? 1 : 0;
  }

  @Override
  public void tensor(String name, DType dtype, long[] shape, ByteBuffer data) {
    if (!data.isDirect()) {
      throw new EngineException(
          EngineException.Code.INVALID_ARGUMENT,
          name + ": expected a direct buffer, found a heap one");
    }
    try (BytePointer pointer = new BytePointer(data)) {
      NativeRuntime.check(
          Gavel.gavel_engine_set_tensor(
              open(), name, dtype.ordinal(), shape.length, shape, pointer, data.remaining()));
    }
  }

  @Override
  public void sample(int[] tokens) {
    NativeRuntime.check(Gavel.gavel_engine_add_sample(open(), tokens, tokens.length));
  }

  private NativeEngine open() {
    if (handle == null) {
      throw new EngineException(
          EngineException.Code.FAILED_PRECONDITION,
          "engine builder: expected to be open, found it closed");
    }
    return handle;
  }

  @Override
  public Engine build() {
    check(Gavel.gavel_engine_finish(open()));
    Engine engine = new LibGavelEngine(handle, config, options, sums);
    handle = null;
    return engine;
  }

  @Override
  public void close() {
    if (handle != null) {
      Gavel.gavel_engine_destroy(handle);
      handle = null;
      if (sums != null) {
        sums.close();
      }
    }
  }
}
