package dev.gavel.server;

import java.net.InetSocketAddress;

/** Reads {@code host:port}, {@code host}, {@code :port} and {@code [::1]:port}. */
final class ListenAddress {
  private ListenAddress() {}

  /**
   * @return null for an empty text: no TCP
   * @throws IllegalArgumentException for anything else that is no address
   */
  static InetSocketAddress parse(String listen) {
    if (listen.isEmpty()) {
      return null;
    }
    int colon = listen.endsWith("]") ? -1 : listen.lastIndexOf(':');
    String host = colon < 0 ? listen : listen.substring(0, colon);
    String port = colon < 0 ? "" : listen.substring(colon + 1);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.contains(":")) {
      throw wrong(listen);
    }
    int number = colon < 0 ? ServerConfig.DEFAULT_PORT : port(listen, port);
    return host.isEmpty() ? new InetSocketAddress(number) : new InetSocketAddress(host, number);
  }

  private static int port(String listen, String port) {
    try {
      int number = Integer.parseInt(port);
      if (number >= 0 && number <= 65_535) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, for both ways of being wrong.
    }
    throw wrong(listen);
  }

  private static IllegalArgumentException wrong(String listen) {
    return new IllegalArgumentException(
        "listen: expected host:port with a port of 0 to 65535, found \"" + listen + "\"");
  }
}
