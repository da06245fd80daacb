package dev.gavel.relevance;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/**
 * Lines of a UTF-8 text, plain or gzipped: gzip is told by its first two bytes, whatever the name.
 * Lines end with a line feed, before which a carriage return is dropped, as is a byte order mark at
 * the beginning. Belongs to one thread.
 */
public final class TextLines implements AutoCloseable {
  /** A text that cannot be read; the message says what was expected and found, but not where. */
  public static final class UnreadableException extends IOException {
    private static final long serialVersionUID = 1L;
    private final long line;

    private UnreadableException(long line, String message, IOException cause) {
      super(message, cause);
      this.line = line;
    }

    /** The line that could not be read, from 1; 0 speaks of the whole text. */
    public long line() {
      return line;
    }
  }

  private static final int BUFFER = 1 << 16;

  private final Path file; // or null
  private final InputStream bytes;
  private final byte[] buffer = new byte[BUFFER];
  private int next; // of the buffer
  private int end;
  private long line;

  private TextLines(Path file, InputStream bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /** Opens a file. */
  public static TextLines open(Path file) throws UnreadableException {
    InputStream raw = null;
    try {
      raw = Files.newInputStream(file);
      return new TextLines(file, plain(raw));
    } catch (IOException e) {
      close(raw, e);
      throw unreadable(file, e);
    }
  }

  /**
   * Reads what is open already.
   *
   * @param bytes closed with this object
   */
  public static TextLines of(InputStream bytes) throws UnreadableException {
    try {
      return new TextLines(null, plain(bytes));
    } catch (IOException e) {
      throw unreadable(null, e);
    }
  }

  private static InputStream plain(InputStream raw) throws IOException {
    BufferedInputStream in = new BufferedInputStream(raw, BUFFER);
    in.mark(2);
    boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
    in.reset();
    return gzip ? new GZIPInputStream(in, BUFFER) : in;
  }

  private static void close(InputStream raw, IOException because) {
    try {
      if (raw != null) {
        raw.close();
      }
    } catch (IOException e) {
      because.addSuppressed(e);
    }
  }

  private static UnreadableException unreadable(Path file, IOException e) {
    String expected = e instanceof NoSuchFileException ? "a file" : "a readable file";
    String found = file == null ? UnreadableFile.found(e) : UnreadableFile.found(file, e);
    return new UnreadableException(0, "expected " + expected + ", found " + found, e);
  }

  /** The next line without its end, or null. */
  public String next() throws UnreadableException {
    try {
      line++;
      byte[] read = nextBytes();
      return read == null ? null : text(read);
    } catch (CharacterCodingException e) {
      throw new UnreadableException(line, "expected UTF-8 text, found other bytes", e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Up to the next line feed, which is taken too, or to the end; null at the end. */
  private byte[] nextBytes() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    boolean any = false;
    while (next < end || fill()) {
      any = true;
      int stop = next;
      while (stop < end && buffer[stop] != '\n') {
        stop++;
      }
      out.write(buffer, next, stop - next);
      next = stop + 1;
      if (stop < end) {
        return out.toByteArray();
      }
    }
    return any ? out.toByteArray() : null;
  }

  private boolean fill() throws IOException {
    next = 0;
    end = Math.max(0, bytes.read(buffer));
    return end > 0;
  }

  private String text(byte[] read) throws CharacterCodingException {
    String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(read)).toString();
    int from = line == 1 && text.startsWith("\uFEFF") ? 1 : 0;
    int to = text.endsWith("\r") ? text.length() - 1 : text.length();
    return text.substring(Math.min(from, to), to);
  }

  /** Number of the line that {@link #next} returned last, from 1. */
  public long line() {
    return line;
  }

  @Override
  public void close() throws IOException {
    bytes.close();
  }
}
