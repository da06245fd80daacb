package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.RetryInfo;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LifecycleTest {
  @TempDir Path directory;

  private static final ScoreRequest REQUEST = Harness.request("red shoes", 13).build();

  private static void scoreOverSocket(Path socket) throws Exception {
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(socket.toFile()))
            .eventLoopGroup(loops)
            .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
            .withOption(ChannelOption.SO_KEEPALIVE, null)
            .usePlaintext()
            .build();
    try {
      Harness.assertAnswers(REQUEST, RelevanceGrpc.newBlockingStub(channel).score(REQUEST));
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
  }

  @Test
  void allWaysIn() throws Exception {
    Path socket = directory.resolve("gavel.sock");
    ServerConfig config = Harness.config().withListen("127.0.0.1:0").withUds(socket.toString());
    try (Harness harness = Harness.with(config)) {
      assertTrue(harness.server.port() > 0);
      assertEquals(socket, harness.server.udsPath());
      assertEquals(
          "rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
      scoreOverSocket(socket);
      Harness.assertAnswers(
          REQUEST, RelevanceGrpc.newBlockingStub(harness.tcpChannel()).score(REQUEST));
      Harness.assertAnswers(REQUEST, harness.stub().score(REQUEST));
    }
    assertFalse(Files.exists(socket), "the socket is gone after closing");
  }

  @Test
  void withoutSockets() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      assertEquals(-1, harness.server.port());
      assertNull(harness.server.udsPath());
    }
  }

  @Test
  void staleSocketIsReplaced() throws Exception {
    Path socket = directory.resolve("gavel.sock");
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(socket));
    }
    assertTrue(Files.exists(socket), "closing leaves the file behind");
    try (Harness harness = Harness.with(Harness.config().withUds(socket.toString()))) {
      assertEquals(socket, harness.server.udsPath());
      scoreOverSocket(socket);
    }
  }

  private void assertCannotStart(ServerConfig config, String expected) {
    FakeEngine engine = new FakeEngine(256, 8, 64);
    IOException e =
        assertThrows(IOException.class, () -> GavelServer.start(config, new FakeModel(), engine));
    String found = e + " " + e.getCause();
    assertTrue(found.contains(expected), found);
    assertEquals(0, engine.openTables());
  }

  @Test
  void socketInUseIsLeftAlone() throws Exception {
    Path socket = directory.resolve("gavel.sock");
    ServerConfig config = Harness.config().withUds(socket.toString());
    try (Harness harness = Harness.with(config)) {
      assertCannotStart(config, "found a server listening on it");
      scoreOverSocket(socket);
      assertEquals(0, harness.gauge(Gauge.RUNNING_REQUESTS));
    }
  }

  @Test
  void otherFilesAreLeftAlone() throws Exception {
    Path file = Files.writeString(directory.resolve("notes.txt"), "precious");
    assertCannotStart(Harness.config().withUds(file.toString()), "found a file");
    assertEquals("precious", Files.readString(file));
    assertCannotStart(Harness.config().withUds("/"), "found a folder");
    assertCannotStart(
        Harness.config().withUds(directory.resolve("none/gavel.sock").toString()), "found none");
    assertCannotStart(
        Harness.config().withUds(directory.resolve("x".repeat(200)).toString()),
        "at most 107 bytes");
  }

  @Test
  void portInUse() throws Exception {
    try (ServerSocket taken = new ServerSocket(0)) {
      assertCannotStart(Harness.config().withListen("0.0.0.0:" + taken.getLocalPort()), "bind");
    }
  }

  @Test
  void healthOfServerAndService() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(harness.channel());
      for (String service : List.of("", "gavel.v1.Relevance")) {
        HealthCheckRequest check = HealthCheckRequest.newBuilder().setService(service).build();
        assertEquals(ServingStatus.SERVING, health.check(check).getStatus());
      }
      HealthCheckRequest other = HealthCheckRequest.newBuilder().setService("other").build();
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> health.check(other));
      assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
    }
  }

  @Test
  void reflectionShowsTheContract() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BlockingQueue<ServerReflectionResponse> answers = new LinkedBlockingQueue<>();
      StreamObserver<ServerReflectionRequest> requests =
          ServerReflectionGrpc.newStub(harness.channel())
              .serverReflectionInfo(
                  new StreamObserver<>() {
                    @Override
                    public void onNext(ServerReflectionResponse response) {
                      answers.add(response);
                    }

                    @Override
                    public void onError(Throwable thrown) {}

                    @Override
                    public void onCompleted() {}
                  });
      requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
      assertEquals(
          List.of(
              "gavel.v1.Relevance",
              "grpc.channelz.v1.Channelz",
              "grpc.health.v1.Health",
              "grpc.reflection.v1.ServerReflection"),
          answers.poll(30, TimeUnit.SECONDS).getListServicesResponse().getServiceList().stream()
              .map(service -> service.getName())
              .sorted()
              .toList());
      requests.onNext(
          ServerReflectionRequest.newBuilder()
              .setFileContainingSymbol("gavel.v1.Relevance.Score")
              .build());
      assertTrue(
          answers
                  .poll(30, TimeUnit.SECONDS)
                  .getFileDescriptorResponse()
                  .getFileDescriptorProtoCount()
              > 0);
      requests.onCompleted();
    }
  }

  @Test
  void channelzKnowsTheServers() throws Exception {
    try (Harness harness = Harness.with(Harness.config().withListen("127.0.0.1:0"))) {
      assertTrue(
          ChannelzGrpc.newBlockingStub(harness.tcpChannel())
                  .getServers(GetServersRequest.getDefaultInstance())
                  .getServerCount()
              >= 1);
    }
  }

  @Test
  void drainFinishesRunningCallsAndRefusesNewOnes() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      ManagedChannel channel = harness.channel();
      Callers callers = new Callers(harness);
      Future<ScoreResponse> running = callers.score(REQUEST);
      gate.awaitBatch();
      Thread closing = new Thread(() -> close(harness.server));
      closing.start();
      HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
      Harness.eventually(
          "not serving",
          () ->
              health.check(HealthCheckRequest.getDefaultInstance()).getStatus()
                  == ServingStatus.NOT_SERVING);
      Harness.eventually("draining", () -> refused(channel) != null);
      StatusRuntimeException e = refused(channel);
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
      assertEquals("DRAINING", Harness.reason(e));
      assertTrue(Harness.detail(e, RetryInfo.class).getRetryDelay().getSeconds() > 0);
      gate.open();
      Harness.assertAnswers(REQUEST, running.get(60, TimeUnit.SECONDS));
      closing.join();
      harness.server.awaitClose();
    }
  }

  private static StatusRuntimeException refused(ManagedChannel channel) {
    try {
      RelevanceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(200, TimeUnit.MILLISECONDS)
          .score(REQUEST);
      return null;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() == Status.Code.UNAVAILABLE ? e : null;
    }
  }

  private static void close(GavelServer server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void drainEndsAfterItsTime() throws Exception {
    try (Harness harness = Harness.with(Harness.config().withDrainSecondsMax(0))) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      Future<ScoreResponse> running = callers.score(Harness.request("q", 1000).build());
      gate.awaitBatch();
      harness.server.close();
      Exception e = assertThrows(Exception.class, () -> running.get(60, TimeUnit.SECONDS));
      assertEquals(Status.Code.UNAVAILABLE, Status.fromThrowable(e).getCode());
      assertEquals(0, harness.engine.rows());
      harness.server.close(); // again
    }
  }

  @Test
  void refusedLabelsFailTheStart() {
    FakeEngine engine = new FakeEngine(256, 8, 64);
    engine.refuseLabels = true;
    assertThrows(
        dev.gavel.engine.EngineException.class,
        () -> GavelServer.start(Harness.config(), new FakeModel(), engine));
  }
}
