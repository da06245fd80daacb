package dev.gavel.engine;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where an engine computes: {@code cpu}, {@code cuda:0}, or {@code cuda:0+1} over several devices.
 *
 * @param indexes of CUDA devices; empty for the CPU
 */
record DeviceName(int[] indexes) {
  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,4}(?:\\+\\d{1,4})*))?");

  static DeviceName parse(String text) {
    if (text.equals("cpu")) {
      return new DeviceName(new int[0]);
    }
    Matcher matcher = CUDA.matcher(text);
    if (!matcher.matches()) {
      throw new EngineException(
          EngineException.Code.INVALID_ARGUMENT,
          "device: expected cpu, cuda:N or cuda:N+M, found " + text);
    }
    String indexes = matcher.group(1) == null ? "0" : matcher.group(1);
    return new DeviceName(Stream.of(indexes.split("\\+")).mapToInt(Integer::parseInt).toArray());
  }

  boolean cuda() {
    return indexes.length > 0;
  }
}
