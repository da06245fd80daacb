package dev.gavel.cli;

import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of the command line, refused in the words of all other messages. */
final class NumberConverters {
  private NumberConverters() {}

  static void register(CommandLine line) {
    both(line, int.class, Integer.class, "a whole number" + range(32), Integer::valueOf);
    both(line, long.class, Long.class, "a whole number" + range(64), Long::valueOf);
    both(line, float.class, Float.class, "a number", Float::valueOf);
    both(line, double.class, Double.class, "a number", Double::valueOf);
  }

  private static String range(int bits) {
    return String.format(" from -2^%d to 2^%d - 1", bits - 1, bits - 1);
  }

  private static <T> void both(
      CommandLine line,
      Class<T> primitive,
      Class<T> boxed,
      String expected,
      Function<String, T> parser) {
    ITypeConverter<T> converter = text -> parse(text, expected, parser);
    line.registerConverter(primitive, converter);
    line.registerConverter(boxed, converter);
  }

  private static <T> T parse(String text, String expected, Function<String, T> parser) {
    try {
      return parser.apply(text);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("expected " + expected + ", found '" + text + "'");
    }
  }
}
