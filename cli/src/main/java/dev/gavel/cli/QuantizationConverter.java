package dev.gavel.cli;

import dev.gavel.engine.Quantization;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code fp32}, {@code int8}, {@code bf16} and so on. */
public final class QuantizationConverter implements ITypeConverter<Quantization> {
  @Override
  public Quantization convert(String value) {
    try {
      return Quantization.parse(value);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
