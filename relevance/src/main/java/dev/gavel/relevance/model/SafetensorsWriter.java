package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a safetensors file as a stream: the tensors are named first, then their data follow in
 * that order, in pieces of any size. The file appears under its name only when it is complete.
 *
 * <pre>{@code
 * try (SafetensorsWriter writer = new SafetensorsWriter(path, tensors, Map.of("format", "pt"))) {
 *   writer.write(data);
 *   ...
 *   writer.finish();
 * }
 * }</pre>
 */
public final class SafetensorsWriter implements AutoCloseable {
  /**
   * A tensor to come.
   *
   * @param dtype as the format spells it, for example {@code BF16}; of whole bytes
   */
  public record Tensor(String name, String dtype, long... shape) {
    public Tensor {
      if (SafetensorsFile.bits(dtype) % 8 != 0) {
        throw new IllegalArgumentException(
            "tensor " + name + ": expected elements of whole bytes, found " + dtype);
      }
    }

    public Tensor(String name, DType dtype, long... shape) {
      this(name, dtype.name(), shape);
    }

    /** Size in the file. */
    public long bytes() {
      return TensorInfo.elements(shape) * SafetensorsFile.bits(dtype) / 8;
    }
  }

  private final Path path;
  private final Path partial;
  private final FileChannel channel;
  private final long total;

  /**
   * Writes the header.
   *
   * @throws IllegalArgumentException if two tensors share a name
   */
  public SafetensorsWriter(Path path, List<Tensor> tensors, Map<String, String> metadata)
      throws IOException {
    this.path = path;
    this.partial = path.resolveSibling(path.getFileName() + ".partial");
    byte[] header = header(tensors, metadata);
    this.total = 8L + header.length + tensors.stream().mapToLong(Tensor::bytes).sum();
    this.channel =
        FileChannel.open(
            partial,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).flip());
    write(ByteBuffer.wrap(header));
  }

  /** Padded with spaces to a multiple of 8, so that the data are aligned. */
  private static byte[] header(List<Tensor> tensors, Map<String, String> metadata) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = json.putObject("__metadata__");
      metadata.forEach(node::put);
    }
    Set<String> names = new HashSet<>();
    long begin = 0;
    for (Tensor tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException("tensor " + tensor.name() + ": expected once");
      }
      ObjectNode node = json.putObject(tensor.name());
      node.put("dtype", tensor.dtype());
      ArrayNode shape = node.putArray("shape");
      Arrays.stream(tensor.shape()).forEach(shape::add);
      node.putArray("data_offsets").add(begin).add(begin + tensor.bytes());
      begin += tensor.bytes();
    }
    String text = json.toString();
    int length = text.getBytes(StandardCharsets.UTF_8).length;
    return (text + " ".repeat((8 - length % 8) % 8)).getBytes(StandardCharsets.UTF_8);
  }

  /** Appends the remaining bytes of {@code data}: row-major, little-endian. */
  public void write(ByteBuffer data) throws IOException {
    while (data.hasRemaining()) {
      channel.write(data);
    }
  }

  /**
   * Gives the file its name.
   *
   * @throws IllegalStateException if more or less was written than announced
   */
  public void finish() throws IOException {
    if (channel.position() != total) {
      throw new IllegalStateException(
          path + ": expected " + total + " bytes, found " + channel.position());
    }
    channel.close();
    Files.move(partial, path, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Drops an unfinished file. */
  @Override
  public void close() throws IOException {
    channel.close();
    Files.deleteIfExists(partial);
  }
}
