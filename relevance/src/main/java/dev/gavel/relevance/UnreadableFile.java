package dev.gavel.relevance;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.zip.ZipException;

/** What messages say of a file that cannot be read. */
public final class UnreadableFile {
  private UnreadableFile() {}

  /** What stands in place of the file that was expected, to go behind "found". */
  public static String found(Path file, IOException e) {
    return Files.isDirectory(file) ? "a folder" : found(e);
  }

  /** The same of what is no file of this name, such as standard input. */
  static String found(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "nothing there";
    }
    if (e instanceof AccessDeniedException) {
      return "no permission to read it";
    }
    if (e instanceof CharacterCodingException) {
      return "bytes that are not UTF-8";
    }
    if (e instanceof EOFException || e instanceof ZipException) {
      return "no whole gzip data: " + e.getMessage();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
