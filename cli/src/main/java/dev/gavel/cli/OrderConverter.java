package dev.gavel.cli;

import dev.gavel.v1.Order;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code label-first}, {@code think-first}. */
public final class OrderConverter implements ITypeConverter<Order> {
  @Override
  public Order convert(String value) {
    return switch (value) {
      case "label-first" -> Order.LABEL_FIRST;
      case "think-first" -> Order.THINK_FIRST;
      default ->
          throw new TypeConversionException(
              "expected label-first or think-first, found '" + value + "'");
    };
  }
}
