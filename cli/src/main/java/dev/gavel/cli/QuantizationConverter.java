package dev.gavel.cli;

import dev.gavel.engine.Quantization;
import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code fp32}, {@code int8}. */
public final class QuantizationConverter implements ITypeConverter<Quantization> {
  @Override
  public Quantization convert(String value) {
    return Arrays.stream(Quantization.values())
        .filter(quantization -> quantization.id().equalsIgnoreCase(value))
        .findFirst()
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "expected "
                        + Arrays.stream(Quantization.values())
                            .map(Quantization::id)
                            .collect(Collectors.joining(" or "))
                        + ", found '"
                        + value
                        + "'"));
  }
}
