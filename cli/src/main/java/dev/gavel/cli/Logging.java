package dev.gavel.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/**
 * Logs go to stderr, one line each. Commands show warnings and worse; a server also what it does.
 * An operator's own {@code -Djava.util.logging.config.file} is left alone.
 */
final class Logging {
  private static final String FORMAT =
      """
      handlers = java.util.logging.ConsoleHandler
      java.util.logging.ConsoleHandler.level = ALL
      java.util.logging.SimpleFormatter.format = %%1$tFT%%1$tT.%%1$tL%%1$tz %%4$s %%3$s: %%5$s%%6$s%%n
      .level = WARNING
      dev.gavel.level = %s
      """;

  /** Complains that Unix sockets know no SO_KEEPALIVE, which gRPC sets on every connection. */
  private static final Logger NETTY_BOOTSTRAP = Logger.getLogger("io.netty.bootstrap");

  /** Complains of every call that is cancelled while its answer is being written. */
  private static final Logger GRPC_STREAMS = Logger.getLogger("io.grpc.netty.NettyServerHandler");

  private Logging() {}

  static void forCommand() {
    configure("WARNING");
  }

  static void forServer() {
    configure("INFO");
  }

  static void forDebugging() {
    configure("FINE");
  }

  private static void configure(String level) {
    if (System.getProperty("java.util.logging.config.file") != null) {
      return;
    }
    byte[] properties = String.format(FORMAT, level).getBytes(StandardCharsets.UTF_8);
    try {
      LogManager.getLogManager().readConfiguration(new ByteArrayInputStream(properties));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    NETTY_BOOTSTRAP.setLevel(Level.SEVERE);
    GRPC_STREAMS.setLevel(Level.SEVERE);
  }
}
