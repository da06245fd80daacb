package dev.gavel.examples;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * A channel to the sidecar. Make one when the search node starts and share it between all threads;
 * a channel per request would pay for a connection each time.
 */
public final class Connection implements AutoCloseable {
  private final ManagedChannel channel;
  private final EventLoopGroup loops;

  private Connection(ManagedChannel channel, EventLoopGroup loops) {
    this.channel = channel;
    this.loops = loops;
  }

  /** Opens {@code HOST:PORT} or {@code unix:/PATH}. */
  public static Connection open(String target) {
    return target.startsWith("unix:")
        ? unix(target.substring("unix:".length()))
        : new Connection(NettyChannelBuilder.forTarget(target).usePlaintext().build(), null);
  }

  /** Over a Unix socket: no port to protect, and no TCP between two processes of one pod. */
  private static Connection unix(String path) {
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(path))
            .eventLoopGroup(loops)
            .channelType(NioDomainSocketChannel.class, UnixDomainSocketAddress.class)
            .overrideAuthority("localhost") // a path is no valid HTTP/2 authority
            .usePlaintext()
            .build();
    return new Connection(channel, loops);
  }

  public ManagedChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    channel.shutdown();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    channel.shutdownNow();
    if (loops != null) {
      loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
  }
}
