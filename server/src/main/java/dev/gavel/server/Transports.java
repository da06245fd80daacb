package dev.gavel.server;

import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The ways in: TCP and a Unix socket through Netty's epoll, and in-process. One gRPC server each,
 * with the same services and the same event loops.
 */
final class Transports implements AutoCloseable {
  /**
   * The transport takes messages of up to this many times requestBytesMax, so that what is too
   * large gets an answer with details; beyond it gRPC ends the call without.
   */
  private static final int MESSAGE_SLACK = 4;

  private static final int EVENT_LOOP_THREADS = 2;
  private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final ServerConfig config;
  private final Consumer<ServerBuilder<?>> services;
  private final List<Server> servers = new ArrayList<>();
  private final String inProcessName = "gavel-" + UUID.randomUUID();
  private EventLoopGroup eventLoops;
  private UnixSocketFile socketFile;
  private Server tcp;

  private Transports(ServerConfig config, Consumer<ServerBuilder<?>> services) {
    this.config = config;
    this.services = services;
  }

  /**
   * Opens all ways in that are configured.
   *
   * @param services adds services and executor to a builder
   * @throws IOException if one cannot be opened; none is open then
   */
  static Transports open(ServerConfig config, Consumer<ServerBuilder<?>> services)
      throws IOException {
    Transports transports = new Transports(config, services);
    try {
      transports.openAll();
      return transports;
    } catch (IOException | RuntimeException e) {
      transports.close();
      throw e;
    }
  }

  private void openAll() throws IOException {
    start(InProcessServerBuilder.forName(inProcessName));
    InetSocketAddress address = ListenAddress.parse(config.listen());
    if (address == null && config.uds().isEmpty()) {
      return;
    }
    Epoll.ensureAvailability();
    eventLoops = new MultiThreadIoEventLoopGroup(EVENT_LOOP_THREADS, EpollIoHandler.newFactory());
    if (address != null) {
      tcp =
          start(
              limits(NettyServerBuilder.forAddress(address))
                  .channelType(EpollServerSocketChannel.class));
    }
    if (!config.uds().isEmpty()) {
      socketFile = new UnixSocketFile(Path.of(config.uds()));
      socketFile.prepare();
      start(
          limits(NettyServerBuilder.forAddress(new DomainSocketAddress(socketFile.path().toFile())))
              .withChildOption(ChannelOption.SO_KEEPALIVE, null) // a TCP option; gRPC sets it
              .channelType(EpollServerDomainSocketChannel.class));
      socketFile.bound();
    }
  }

  private Server start(ServerBuilder<?> builder) throws IOException {
    services.accept(builder);
    try {
      Server server = builder.build().start();
      servers.add(server);
      return server;
    } catch (IOException e) {
      throw new IOException("expected a free address, found: " + e.getMessage(), e);
    }
  }

  private NettyServerBuilder limits(NettyServerBuilder builder) {
    ServerConfig.Connections connections = config.connections();
    builder
        .bossEventLoopGroup(eventLoops)
        .workerEventLoopGroup(eventLoops)
        .maxInboundMessageSize(MESSAGE_SLACK * config.limits().requestBytesMax())
        .permitKeepAliveTime(connections.permitKeepAliveSeconds(), TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true);
    // Left unset, gRPC would still ping every two hours.
    long keepAlive = connections.keepAliveSeconds();
    builder
        .keepAliveTime(keepAlive > 0 ? keepAlive : Long.MAX_VALUE, TimeUnit.SECONDS)
        .keepAliveTimeout(connections.keepAliveTimeoutSeconds(), TimeUnit.SECONDS);
    if (connections.callsMax() > 0) {
      builder.maxConcurrentCallsPerConnection(connections.callsMax());
    }
    if (connections.ageSecondsMax() > 0) {
      builder.maxConnectionAge(connections.ageSecondsMax(), TimeUnit.SECONDS);
    }
    if (connections.idleSecondsMax() > 0) {
      builder.maxConnectionIdle(connections.idleSecondsMax(), TimeUnit.SECONDS);
    }
    return builder;
  }

  /** The TCP port, or -1. */
  int port() {
    return tcp == null ? -1 : tcp.getPort();
  }

  /** The Unix socket, or null. */
  Path udsPath() {
    return socketFile == null ? null : socketFile.path();
  }

  String inProcessName() {
    return inProcessName;
  }

  /**
   * Stops listening, gives answers that are on their way a moment, cancels the calls that are left,
   * and waits until all is closed.
   */
  @Override
  public void close() throws IOException {
    servers.forEach(Server::shutdown);
    boolean interrupted = Thread.interrupted();
    long end = System.nanoTime() + GRACE_NANOS;
    for (Server server : servers) {
      try {
        if (!server.awaitTermination(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          server.shutdownNow().awaitTermination();
        }
      } catch (InterruptedException e) {
        interrupted = true;
        server.shutdownNow();
      }
    }
    if (eventLoops != null) {
      eventLoops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }
    if (socketFile != null) {
      socketFile.remove();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
