package dev.gavel.cli.client;

import java.nio.file.Path;

/** Where a server listens. */
public sealed interface Target {
  /** TCP. */
  record Tcp(String host, int port) implements Target {
    @Override
    public String toString() {
      return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
  }

  /** A Unix domain socket. */
  record Unix(Path path) implements Target {
    @Override
    public String toString() {
      return "unix:" + path;
    }
  }

  /** A server in this process, by its name. */
  record InProcess(String name) implements Target {
    @Override
    public String toString() {
      return "inprocess:" + name;
    }
  }

  /**
   * Reads {@code host:port}, {@code [ipv6]:port}, {@code unix:/path} or {@code unix:///path}.
   *
   * @throws IllegalArgumentException naming what was expected and found
   */
  static Target parse(String text) {
    if (text.startsWith("inprocess:")) {
      return new InProcess(text.substring("inprocess:".length()));
    }
    if (text.startsWith("unix:")) {
      String path = text.substring("unix:".length());
      path = path.startsWith("//") ? path.substring(2) : path;
      if (path.isEmpty()) {
        throw malformed(text);
      }
      return new Unix(Path.of(path));
    }
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.contains(":")) {
      throw malformed(text);
    }
    if (host.isEmpty()) {
      throw malformed(text);
    }
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      if (port < 1 || port > 65535) {
        throw malformed(text);
      }
      return new Tcp(host, port);
    } catch (NumberFormatException e) {
      throw malformed(text);
    }
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "expected HOST:PORT, [IPV6]:PORT or unix:/PATH, found '" + text + "'");
  }
}
