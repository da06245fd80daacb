package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.DeviceMonitor;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.Item;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A server over the fakes, and what tests ask of it. Closing checks that nothing leaked. */
final class Harness implements AutoCloseable {
  /** Rows of a batch, tokens of a block, blocks; small, so that calls are split. */
  static final int ROWS = 256;

  final FakeModel model;
  final FakeEngine engine; // the first
  final List<FakeEngine> engines;
  final GavelServer server;
  private final List<ManagedChannel> channels = new ArrayList<>();

  Harness(ServerConfig config, FakeModel model, FakeEngine... engines) throws IOException {
    this(config, model, DeviceMonitor.NONE, engines);
  }

  Harness(ServerConfig config, FakeModel model, DeviceMonitor monitor, FakeEngine... engines)
      throws IOException {
    this.model = model;
    this.engine = engines[0];
    this.engines = List.of(engines);
    this.server = GavelServer.start(config, model, List.of(engines), monitor);
  }

  static Harness inProcess() throws IOException {
    return with(config());
  }

  static Harness with(ServerConfig config) throws IOException {
    return new Harness(config, new FakeModel(), new FakeEngine(ROWS, 8, 64));
  }

  static ServerConfig config() {
    return ServerConfig.defaults().withoutSockets().withDrainSecondsMax(5);
  }

  /** The same without KV that outlives the calls that use it. */
  static ServerConfig withoutKvCache(ServerConfig config) {
    return config.withEngine(config.engine().withKvCacheEnabled(false));
  }

  /** Default limits, but for the queue, the explain streams and the calls of a stream. */
  static ServerConfig.Limits limits(int items, int tokens, int streams, int paths, int calls) {
    return new ServerConfig.Limits(1 << 20, items, tokens, streams, paths, calls, 60);
  }

  ManagedChannel channel() {
    return opened(InProcessChannelBuilder.forName(server.inProcessName()).build());
  }

  ManagedChannel tcpChannel() {
    return opened(
        NettyChannelBuilder.forAddress("127.0.0.1", server.port())
            .usePlaintext()
            .maxInboundMessageSize(64 << 20)
            .build());
  }

  private ManagedChannel opened(ManagedChannel channel) {
    channels.add(channel);
    return channel;
  }

  RelevanceGrpc.RelevanceBlockingStub stub() {
    return RelevanceGrpc.newBlockingStub(channel());
  }

  /** The error of a call that gets no answer. */
  StatusRuntimeException refused(ScoreRequest request) {
    return assertThrows(StatusRuntimeException.class, () -> stub().score(request));
  }

  /** What the health service says of a name; the empty one is the server's. */
  ServingStatus health(String service) {
    return HealthGrpc.newBlockingStub(channel())
        .check(HealthCheckRequest.newBuilder().setService(service).build())
        .getStatus();
  }

  static ScoreRequest.Builder request(String query, String... texts) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(query);
    for (String text : texts) {
      request.addItems(Item.newBuilder().setText(text));
    }
    return request;
  }

  /** A request with {@code items} different items. */
  static ScoreRequest.Builder request(String query, int items) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(query);
    for (int i = 0; i < items; i++) {
      request.addItems(Item.newBuilder().setId("id" + i).setText("item " + i * 7919 % 10_007));
    }
    return request;
  }

  /** Compares all items to the engine's function of prompt and item. */
  static void assertAnswers(ScoreRequest request, ScoreResponse response) {
    assertEquals(request.getItemsCount(), response.getItemsCount());
    for (int i = 0; i < request.getItemsCount(); i++) {
      assertEquals(request.getItems(i).getId(), response.getItems(i).getId());
      assertJudged(prompt(request, i), response.getItems(i));
    }
  }

  static int[] prompt(ScoreRequest request, int item) {
    return ("q=" + request.getQuery() + ";" + request.getItems(item).getText() + "=")
        .codePoints()
        .toArray();
  }

  static void assertJudged(int[] seen, ScoredItem item) {
    assertEquals(0, item.getStatus().getCode(), () -> item.getStatus().getMessage());
    assertDistribution(seen, item.getDistributionList());
  }

  static void assertDistribution(int[] seen, List<LabelProbability> distribution) {
    float[] expected = FakeEngine.labelLogProbabilities(seen, 4);
    assertEquals(4, distribution.size());
    for (int i = 0; i < 4; i++) {
      // The server normalizes floats in double precision: a few float roundings apart.
      assertEquals(expected[i], distribution.get(i).getLogProbability(), 8 * Math.ulp(8f));
    }
  }

  /** The detail of that type in an error, or null. */
  static <T extends Message> T detail(StatusRuntimeException e, Class<T> type) {
    com.google.rpc.Status status = StatusProto.fromThrowable(e);
    return status == null ? null : detail(status, type);
  }

  static <T extends Message> T detail(com.google.rpc.Status status, Class<T> type) {
    try {
      for (Any any : status.getDetailsList()) {
        if (any.is(type)) {
          return any.unpack(type);
        }
      }
      return null;
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
  }

  static String reason(StatusRuntimeException e) {
    com.google.rpc.ErrorInfo info = detail(e, com.google.rpc.ErrorInfo.class);
    if (info == null) {
      throw new AssertionError("expected an ErrorInfo, found " + e);
    }
    assertEquals("gavel.dev", info.getDomain());
    return info.getReason();
  }

  static void eventually(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("expected within 30 s: " + what);
      }
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  long gauge(Gauge gauge) {
    return server.stats().get(gauge);
  }

  /** Holds all batches from now on. */
  BatchGate gate() {
    BatchGate gate = new BatchGate();
    engine.beforeRun = gate;
    return gate;
  }

  /**
   * Waits until so many calls, since the start, are where batches are made. Calls that only count
   * as queued may still be with the tokenizer.
   */
  void awaitReady(int calls) {
    eventually(calls + " calls ready", () -> server.stats().get(Counter.READY_REQUESTS) == calls);
  }

  /** Waits until the server holds nothing of any call. */
  void awaitIdle() {
    for (Gauge gauge :
        List.of(
            Gauge.RUNNING_REQUESTS, Gauge.QUEUED_ITEMS, Gauge.QUEUED_TOKENS, Gauge.EXPLAIN_PATHS)) {
      eventually(gauge + " is 0", () -> gauge(gauge) == 0);
    }
    eventually(
        "all KV blocks are free, " + gauge(Gauge.KV_BLOCKS_FREE) + " are",
        () -> gauge(Gauge.KV_BLOCKS_FREE) == gauge(Gauge.KV_BLOCKS));
  }

  @Override
  public void close() throws IOException {
    try {
      awaitIdle();
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
      server.close();
    }
    assertEquals(0, gauge(Gauge.KV_BLOCKS_CACHED), "KV blocks held after the end");
    assertEquals(gauge(Gauge.KV_BLOCKS), gauge(Gauge.KV_BLOCKS_FREE), "KV blocks leaked");
    for (FakeEngine each : engines) {
      assertEquals(0, each.openTables(), "label tables left open");
      assertEquals(List.of(), each.violations(), "rules of the engine's seam that were broken");
    }
    for (DeviceStats device : server.stats().devices()) {
      assertEquals(0, device.get(DeviceStats.Level.ASSIGNED_ROWS), "rows left to a device");
    }
  }
}
