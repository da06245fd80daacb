package dev.gavel.training.data;

import dev.gavel.relevance.UnreadableFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Lines of a UTF-8 file, gzip if its name ends in {@code .gz}, with errors that name the line. */
final class LineReader implements AutoCloseable {
  private final Path file;
  private final BufferedReader reader;
  private long line;

  /**
   * @throws DataFormatException if the file is absent or no gzip although its name says so
   */
  LineReader(Path file) {
    this.file = file;
    try {
      InputStream bytes = Files.newInputStream(file);
      try {
        InputStream plain =
            file.toString().endsWith(".gz") ? new GZIPInputStream(bytes, 1 << 16) : bytes;
        reader =
            new BufferedReader(
                new InputStreamReader(plain, StandardCharsets.UTF_8.newDecoder()), 1 << 16);
      } catch (IOException e) {
        bytes.close();
        throw e;
      }
    } catch (NoSuchFileException e) {
      throw new DataFormatException(file, 0, "expected a file, found nothing", e);
    } catch (IOException e) {
      throw new DataFormatException(file, 0, unreadable(e), e);
    }
  }

  /** The next line without its end, or null; a byte order mark is dropped. */
  String next() {
    try {
      line++;
      String text = reader.readLine();
      return text != null && line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw error("expected UTF-8 text, found other bytes", e);
    } catch (IOException e) {
      throw error(unreadable(e), e);
    }
  }

  private String unreadable(IOException e) {
    return "expected a readable file, found " + UnreadableFile.found(file, e);
  }

  Path file() {
    return file;
  }

  /** Number of the line that {@link #next} returned last, from 1. */
  long line() {
    return line;
  }

  DataFormatException error(String message) {
    return error(message, null);
  }

  DataFormatException error(String message, Throwable cause) {
    return new DataFormatException(file, line, message, cause);
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw error("expected to close, found " + e, e);
    }
  }
}
