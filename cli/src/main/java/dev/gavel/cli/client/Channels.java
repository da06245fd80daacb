package dev.gavel.cli.client;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;

/** Plaintext channels; the sidecar is on this host or in this pod. */
final class Channels {
  private static final int MESSAGE_BYTES_MAX = 256 << 20;

  private Channels() {}

  /** An open channel and how to close it. */
  record Open(ManagedChannel channel, Runnable close) {}

  static Open open(Target target) {
    if (target instanceof Target.InProcess inProcess) {
      return closing(InProcessChannelBuilder.forName(inProcess.name()).build(), () -> {});
    }
    var loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    NettyChannelBuilder builder = builder(target);
    ManagedChannel channel =
        builder
            .eventLoopGroup(loops)
            .usePlaintext()
            .maxInboundMessageSize(MESSAGE_BYTES_MAX)
            .build();
    return closing(
        channel, () -> loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1000));
  }

  private static NettyChannelBuilder builder(Target target) {
    if (target instanceof Target.Tcp tcp) {
      return NettyChannelBuilder.forAddress(tcp.host(), tcp.port())
          .channelType(NioSocketChannel.class);
    }
    Target.Unix unix = (Target.Unix) target;
    if (!Files.exists(unix.path())) {
      throw new CliException(
          ExitCode.UNAVAILABLE, target + ": expected a server's socket, found nothing there");
    }
    return NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(unix.path()))
        .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
        .overrideAuthority("localhost");
  }

  private static Open closing(ManagedChannel channel, Runnable more) {
    return new Open(
        channel,
        () -> {
          channel.shutdownNow();
          try {
            channel.awaitTermination(1, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          more.run();
        });
  }
}
