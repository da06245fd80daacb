package dev.gavel.relevance.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.gavel.relevance.ModelFormatException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The Hugging Face tokenizers library through DJL's native methods.
 *
 * <p>DJL's own {@code HuggingFaceTokenizer} is passed by: it reports usage over the network when it
 * is made, and copies spans, masks and strings of every token that nobody here reads. What is left
 * is local; DJL is told before its library loads that it must stay so and needs no GPU build.
 */
final class NativeTokenizer implements AutoCloseable {
  static {
    setDefault("ai.djl.offline", "true");
    setDefault("RUST_FLAVOR", "cpu");
    LibUtils.checkStatus();
  }

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private long handle; // 0 when closed

  /**
   * Loads a tokenizer from the text of {@code tokenizer.json}.
   *
   * @throws ModelFormatException if the library refuses it
   */
  NativeTokenizer(String json) {
    try {
      handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
      TokenizersLibrary.LIB.disableTruncation(handle);
      TokenizersLibrary.LIB.disablePadding(handle);
    } catch (RuntimeException e) {
      throw new ModelFormatException(
          TokenizerFile.NAME, "expected a tokenizer, found: " + e.getMessage(), e);
    }
  }

  private static void setDefault(String key, String value) {
    if (System.getProperty(key) == null && System.getenv(key) == null) {
      System.setProperty(key, value);
    }
  }

  /** Token ids of a text; {@code special} adds those that the tokenizer puts around a text. */
  int[] encode(String text, boolean special) {
    lock.readLock().lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("tokenizer: expected open, found closed");
      }
      long encoding = TokenizersLibrary.LIB.encode(handle, wellFormed(text), special);
      try {
        return narrow(TokenizersLibrary.LIB.getTokenIds(encoding));
      } finally {
        TokenizersLibrary.LIB.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  private static int[] narrow(long[] ids) {
    int[] out = new int[ids.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (int) ids[i];
    }
    return out;
  }

  /** Unpaired surrogates, which UTF-8 cannot hold, become U+FFFD. */
  private static String wellFormed(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      if (!Character.isSurrogate(text.charAt(i))) {
        continue;
      }
      if (Character.isSupplementaryCodePoint(text.codePointAt(i))) {
        i++;
      } else {
        out = out == null ? new StringBuilder(text) : out;
        out.setCharAt(i, '\uFFFD');
      }
    }
    return out == null ? text : out.toString();
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (handle != 0) {
        TokenizersLibrary.LIB.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
