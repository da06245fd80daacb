package dev.gavel.server;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The file of a Unix socket: cleared before binding, opened to the group after, gone at the end.
 */
final class UnixSocketFile {
  /** Linux: 108 bytes with the final zero. */
  private static final int PATH_BYTES_MAX = 107;

  private static final int TYPE_MASK = 0170000;
  private static final int TYPE_SOCKET = 0140000;

  private final Path path;
  private Object boundKey;

  UnixSocketFile(Path path) {
    this.path = path.toAbsolutePath();
  }

  Path path() {
    return path;
  }

  /**
   * Makes way for binding: removes a socket that nobody listens on, and nothing else.
   *
   * @throws IOException naming what stands in the way
   */
  void prepare() throws IOException {
    int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > PATH_BYTES_MAX) {
      throw new IOException(
          "uds: expected a path of at most " + PATH_BYTES_MAX + " bytes, found " + bytes);
    }
    if (path.getParent() != null && !Files.isDirectory(path.getParent())) {
      throw new IOException("uds: expected the directory " + path.getParent() + ", found none");
    }
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    int mode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    if ((mode & TYPE_MASK) != TYPE_SOCKET) {
      throw new IOException(
          "uds: expected a socket or nothing at "
              + path
              + ", found a "
              + (Files.isDirectory(path) ? "folder" : "file"));
    }
    if (somebodyListens()) {
      throw new IOException("uds: expected " + path + " unused, found a server listening on it");
    }
    Files.delete(path);
  }

  private boolean somebodyListens() throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(path));
      return true;
    } catch (ConnectException e) {
      return false;
    }
  }

  /** After binding: owner and group may connect. */
  void bound() throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
    boundKey = key();
  }

  /** After closing: removes the file if it is still the one that was bound. */
  void remove() throws IOException {
    if (boundKey != null
        && Files.exists(path, LinkOption.NOFOLLOW_LINKS)
        && boundKey.equals(key())) {
      Files.delete(path);
    }
    boundKey = null;
  }

  private Object key() throws IOException {
    return Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
  }
}
