package dev.gavel.cli;

import dev.gavel.relevance.model.ModelShape;
import java.util.Iterator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Named shapes; see {@link ModelShape#names}. */
public final class ShapeConverter implements ITypeConverter<ModelShape> {
  /** The names, for help texts. */
  public static final class Names implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return ModelShape.names().iterator();
    }
  }

  @Override
  public ModelShape convert(String value) {
    if (!ModelShape.names().contains(value)) {
      throw new TypeConversionException(
          "expected one of " + String.join(", ", ModelShape.names()) + ", found '" + value + "'");
    }
    return ModelShape.of(value);
  }
}
