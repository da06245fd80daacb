package dev.gavel.cli;

import dev.gavel.cli.client.Target;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** See {@link Target#parse}. */
public final class TargetConverter implements ITypeConverter<Target> {
  @Override
  public Target convert(String value) {
    try {
      return Target.parse(value);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
