package dev.gavel.server;

import dev.gavel.engine.CoreList;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.Quantization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything an operator may set. Every limit has a default; zero means "none" only where said.
 *
 * @param listen {@code host:port} for TCP; port 0 takes a free one; empty: no TCP
 * @param uds path of the Unix socket; empty: none
 * @param drainSecondsMax how long running calls may go on after {@link GavelServer#close}
 */
public record ServerConfig(
    String listen,
    String uds,
    int drainSecondsMax,
    Limits limits,
    EngineRoom engine,
    ResultCaching resultCache,
    Connections connections) {

  /** Port of a {@code listen} without one. */
  public static final int DEFAULT_PORT = 8980;

  private static final int BILLION = 1_000_000_000;

  /**
   * What is accepted.
   *
   * @param requestBytesMax bytes of one request message
   * @param queueItemsMax items admitted and not yet computed
   * @param queueTokensMax tokens admitted and not yet computed
   * @param explainStreamsMax reasoning paths that decode at once
   * @param explainPathsMax reasoning paths waiting and running
   * @param streamCallsMax requests of one ScoreStream that are worked on at once
   * @param slowReaderSecondsMax how long the caller of Explain may take no token
   */
  public record Limits(
      int requestBytesMax,
      int queueItemsMax,
      int queueTokensMax,
      int explainStreamsMax,
      int explainPathsMax,
      int streamCallsMax,
      int slowReaderSecondsMax) {
    public Limits {
      range("limits.requestBytesMax", requestBytesMax, 1024, 256 << 20);
      range("limits.queueItemsMax", queueItemsMax, 1, BILLION);
      range("limits.queueTokensMax", queueTokensMax, 1, BILLION);
      range("limits.explainStreamsMax", explainStreamsMax, 1, 4096);
      range("limits.explainPathsMax", explainPathsMax, 1, BILLION);
      range("limits.streamCallsMax", streamCallsMax, 1, 4096);
      range("limits.slowReaderSecondsMax", slowReaderSecondsMax, 1, BILLION);
    }
  }

  /**
   * The room each engine gets, one a device; see {@link EngineOptions}.
   *
   * @param device where to compute, if there is one
   * @param devices where to compute; empty: on {@code device}
   * @param quantization empty: the devices' default
   * @param threads of all engines together; 0: all processors
   * @param batchDelayMicrosMax how long a batch that is not full waits for more calls; 0: not
   * @param kvBlocks KV blocks in the pool, where {@code kvBytesMax} is 0
   * @param kvBytesMax bytes of the KV pool; 0: as {@code kvBlocks} says
   * @param kvCacheEnabled whether later calls find KV that earlier ones have computed
   * @param cudaGraphsEnabled whether a CUDA device launches small batches that come again whole
   * @param cores processors that threads are bound to, as {@link CoreList} reads them; empty: not
   *     bound
   */
  public record EngineRoom(
      String device,
      List<String> devices,
      String quantization,
      int threads,
      int batchTokensMax,
      int batchDelayMicrosMax,
      int blockTokens,
      int kvBlocks,
      long kvBytesMax,
      boolean kvCacheEnabled,
      boolean cudaGraphsEnabled,
      String cores) {
    public EngineRoom {
      range("engine.threads", threads, 0, 1024);
      range("engine.batchTokensMax", batchTokensMax, 16, 1 << 20);
      range("engine.batchDelayMicrosMax", batchDelayMicrosMax, 0, 1_000_000);
      range("engine.blockTokens", blockTokens, 1, 4096);
      range("engine.kvBlocks", kvBlocks, 0, 1 << 26);
      range("engine.kvBytesMax", kvBytesMax, 0, Long.MAX_VALUE);
      device = DeviceNames.canonical("engine.device", device);
      devices = DeviceNames.canonical("engine.devices", devices);
      if (!devices.isEmpty() && !device.equals(DeviceNames.CPU)) {
        throw new IllegalArgumentException(
            "engine: expected device or devices, found both: " + device + " and " + devices);
      }
      checkCores(cores, threads, devices.isEmpty() ? List.of(device) : devices);
    }

    private static void checkCores(String cores, int threads, List<String> devices) {
      int bound = boundTo(cores).size();
      if (bound == 0) {
        return;
      }
      if (!devices.get(0).equals(DeviceNames.CPU)) {
        throw new IllegalArgumentException(
            "engine.cores: expected none with " + devices + ", found " + cores);
      }
      if (threads != 0 && threads != bound) {
        throw new IllegalArgumentException(
            "engine.cores: expected " + threads + " as engine.threads says, found " + bound);
      }
      if (bound < devices.size()) {
        throw new IllegalArgumentException(
            "engine.cores: expected one for each of " + devices + ", found " + bound);
      }
    }

    private static List<Integer> boundTo(String cores) {
      try {
        return CoreList.parse(cores);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("engine.cores: " + e.getMessage(), e);
      }
    }

    /** Where to compute; at least one. */
    public List<String> allDevices() {
      return devices.isEmpty() ? List.of(device) : devices;
    }

    public EngineRoom withDevices(List<String> value) {
      return new EngineRoom(
          DeviceNames.CPU,
          value,
          quantization,
          threads,
          batchTokensMax,
          batchDelayMicrosMax,
          blockTokens,
          kvBlocks,
          kvBytesMax,
          kvCacheEnabled,
          cudaGraphsEnabled,
          cores);
    }

    /** With as many threads as cores. */
    public EngineRoom withCores(String value) {
      return new EngineRoom(
          device,
          devices,
          quantization,
          0,
          batchTokensMax,
          batchDelayMicrosMax,
          blockTokens,
          kvBlocks,
          kvBytesMax,
          kvCacheEnabled,
          cudaGraphsEnabled,
          value);
    }

    public EngineRoom withThreads(int value) {
      return with(quantization, value, batchDelayMicrosMax, kvCacheEnabled, cudaGraphsEnabled);
    }

    public EngineRoom withQuantization(Quantization value) {
      return with(value.id(), threads, batchDelayMicrosMax, kvCacheEnabled, cudaGraphsEnabled);
    }

    public EngineRoom withBatchDelayMicrosMax(int value) {
      return with(quantization, threads, value, kvCacheEnabled, cudaGraphsEnabled);
    }

    public EngineRoom withKvCacheEnabled(boolean value) {
      return with(quantization, threads, batchDelayMicrosMax, value, cudaGraphsEnabled);
    }

    public EngineRoom withCudaGraphsEnabled(boolean value) {
      return with(quantization, threads, batchDelayMicrosMax, kvCacheEnabled, value);
    }

    private EngineRoom with(
        String layers, int threadCount, int delayMicros, boolean kvCache, boolean graphs) {
      return new EngineRoom(
          device,
          devices,
          layers,
          threadCount,
          batchTokensMax,
          delayMicros,
          blockTokens,
          kvBlocks,
          kvBytesMax,
          kvCache,
          graphs,
          cores);
    }

    /**
     * What the engine computes in.
     *
     * @throws IllegalArgumentException naming what the device takes
     */
    Quantization parsed() {
      try {
        return Quantization.parse(quantization, allDevices().get(0));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("engine.quantization: " + e.getMessage(), e);
      }
    }
  }

  /**
   * Judgments that are kept for the same pair to come again.
   *
   * @param bytesMax memory for them; 0: none are kept
   * @param secondsMax how old one may get
   */
  public record ResultCaching(long bytesMax, int secondsMax) {
    public ResultCaching {
      range("resultCache.bytesMax", bytesMax, 0, Long.MAX_VALUE);
      range("resultCache.secondsMax", secondsMax, 1, BILLION);
    }
  }

  /**
   * How long connections live. Seconds; 0: without limit, or not at all.
   *
   * @param keepAliveSeconds idle time after which the server pings
   * @param keepAliveTimeoutSeconds how long it waits for the answer
   * @param permitKeepAliveSeconds shortest time between a client's pings
   * @param ageSecondsMax after which a connection is asked to close, so that clients spread again
   * @param idleSecondsMax after which a connection without calls is closed
   * @param callsMax calls at once on one connection; a client holds further ones back; 0: any
   *     number
   */
  public record Connections(
      int keepAliveSeconds,
      int keepAliveTimeoutSeconds,
      int permitKeepAliveSeconds,
      int ageSecondsMax,
      int idleSecondsMax,
      int callsMax) {
    public Connections {
      range("connections.keepAliveSeconds", keepAliveSeconds, 0, BILLION);
      range("connections.keepAliveTimeoutSeconds", keepAliveTimeoutSeconds, 1, BILLION);
      range("connections.permitKeepAliveSeconds", permitKeepAliveSeconds, 0, BILLION);
      range("connections.ageSecondsMax", ageSecondsMax, 0, BILLION);
      range("connections.idleSecondsMax", idleSecondsMax, 0, BILLION);
      range("connections.callsMax", callsMax, 0, BILLION);
    }
  }

  public ServerConfig {
    range("drainSecondsMax", drainSecondsMax, 0, 86_400);
    ListenAddress.parse(listen);
    engine.parsed();
  }

  private static void range(String key, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          key + ": expected " + min + " to " + max + ", found " + value);
    }
  }

  /** TCP on 127.0.0.1:8980, no Unix socket, fp32 on all processors, no result cache. */
  public static ServerConfig defaults() {
    EngineOptions engine = EngineOptions.defaults();
    return new ServerConfig(
        "127.0.0.1:" + DEFAULT_PORT,
        "",
        20,
        new Limits(4 << 20, 8192, 1 << 20, 16, 64, 16, 60),
        new EngineRoom(
            engine.device(),
            List.of(),
            "",
            0,
            engine.batchTokensMax(),
            0,
            engine.blockTokens(),
            engine.blocks(),
            0,
            true,
            engine.cudaGraphs(),
            ""),
        new ResultCaching(0, 3600),
        new Connections(60, 20, 10, 0, 0, 4096));
  }

  /**
   * Reads a YAML or JSON file over the defaults.
   *
   * @throws IllegalArgumentException naming the file, the key, what was expected and what was found
   */
  public static ServerConfig read(Path file) {
    return ConfigReader.read(file);
  }

  public ServerConfig withListen(String value) {
    return new ServerConfig(value, uds, drainSecondsMax, limits, engine, resultCache, connections);
  }

  public ServerConfig withUds(String value) {
    return new ServerConfig(
        listen, value, drainSecondsMax, limits, engine, resultCache, connections);
  }

  public ServerConfig withDrainSecondsMax(int value) {
    return new ServerConfig(listen, uds, value, limits, engine, resultCache, connections);
  }

  public ServerConfig withLimits(Limits value) {
    return new ServerConfig(listen, uds, drainSecondsMax, value, engine, resultCache, connections);
  }

  public ServerConfig withEngine(EngineRoom value) {
    return new ServerConfig(listen, uds, drainSecondsMax, limits, value, resultCache, connections);
  }

  public ServerConfig withResultCache(ResultCaching value) {
    return new ServerConfig(listen, uds, drainSecondsMax, limits, engine, value, connections);
  }

  public ServerConfig withQuantization(Quantization value) {
    return withEngine(engine.withQuantization(value));
  }

  /** No sockets at all: the server is reached by {@link GavelServer#inProcessName} only. */
  public ServerConfig withoutSockets() {
    return withListen("").withUds("");
  }

  /**
   * What {@link dev.gavel.relevance.RelevanceModel#loadEngine} is to be given for this model, once
   * per device. The threads are dealt out evenly, and every engine has at least one; so are the
   * cores, in their order.
   */
  public List<EngineOptions> engineOptions(ModelConfig model) {
    List<String> devices = engine.allDevices();
    List<Integer> cores = EngineRoom.boundTo(engine.cores);
    int standard = cores.isEmpty() ? Runtime.getRuntime().availableProcessors() : cores.size();
    int threads = engine.threads == 0 ? standard : engine.threads;
    int dealt = 0;
    List<EngineOptions> all = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int share = threads / devices.size() + (i < threads % devices.size() ? 1 : 0);
      all.add(
          new EngineOptions(
              devices.get(i),
              engine.parsed(),
              Math.max(1, share),
              engine.batchTokensMax,
              engine.blockTokens,
              blocks(model),
              engine.cudaGraphsEnabled,
              cores.isEmpty() ? cores : cores.subList(dealt, dealt + share)));
      dealt += share;
    }
    return all;
  }

  private int blocks(ModelConfig model) {
    if (engine.kvBytesMax == 0) {
      return engine.kvBlocks;
    }
    int elementBytes = engine.parsed().keyValueBytes();
    long bytesPerToken = 2L * model.layers() * model.kvHeads() * model.headDim() * elementBytes;
    long blocks = engine.kvBytesMax / (bytesPerToken * engine.blockTokens);
    range("engine.kvBytesMax in KV blocks", blocks, 1, 1 << 26);
    return (int) blocks;
  }
}
