package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** An engine builder that remembers what it was given. */
final class RecordingBuilder implements EngineBuilder {
  record Given(DType dtype, long[] shape, ByteBuffer data) {}

  final Map<String, Given> tensors = new LinkedHashMap<>();

  @Override
  public void tensor(String name, DType dtype, long[] shape, ByteBuffer data) {
    if (!data.isDirect()) {
      throw new IllegalArgumentException(name + ": expected a direct buffer");
    }
    ByteBuffer copy = ByteBuffer.allocate(data.remaining()).put(data.duplicate()).flip();
    if (tensors.put(name, new Given(dtype, shape.clone(), copy)) != null) {
      throw new IllegalArgumentException(name + ": given twice");
    }
  }

  @Override
  public void sample(int[] tokens) {}

  @Override
  public Engine build() {
    throw new UnsupportedOperationException("records only");
  }

  @Override
  public void close() {}
}
