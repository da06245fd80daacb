package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.UnreadableFile;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file: its header, checked against the file's size, and mapped data.
 *
 * <p>Layout: 8 bytes little-endian header length, a JSON header, the tensors back to back. Trusted
 * is nothing: lengths, offsets and shapes are checked before anything is read by them.
 */
final class SafetensorsFile {
  /** Largest header accepted; the format's own limit. */
  static final long HEADER_BYTES_MAX = 100_000_000;

  /** Bits per element of every type the format knows. */
  private static final Map<String, Integer> BITS =
      Map.ofEntries(
          Map.entry("BOOL", 8),
          Map.entry("U8", 8),
          Map.entry("I8", 8),
          Map.entry("F8_E4M3", 8),
          Map.entry("F8_E5M2", 8),
          Map.entry("F8_E8M0", 8),
          Map.entry("U16", 16),
          Map.entry("I16", 16),
          Map.entry("F16", 16),
          Map.entry("BF16", 16),
          Map.entry("U32", 32),
          Map.entry("I32", 32),
          Map.entry("F32", 32),
          Map.entry("U64", 64),
          Map.entry("I64", 64),
          Map.entry("F64", 64),
          Map.entry("C64", 64),
          Map.entry("F4", 4),
          Map.entry("F6_E2M3", 6),
          Map.entry("F6_E3M2", 6));

  /** Bytes mapped at once, unless one tensor is larger. */
  private static final long WINDOW_BYTES = 256L << 20;

  private final Path path;
  private final Map<String, TensorInfo> tensors; // by place in the file
  private final byte[] header;
  private final long size;

  private SafetensorsFile(Path path, Map<String, TensorInfo> tensors, byte[] header, long size) {
    this.path = path;
    this.tensors = tensors;
    this.header = header;
    this.size = size;
  }

  /**
   * Reads and checks the header; no tensor data is read.
   *
   * @throws ModelFormatException naming the file, what was expected and what was found
   */
  static SafetensorsFile open(Path path) {
    String name = path.getFileName().toString();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < 8) {
        throw new ModelFormatException(
            name, "expected at least 8 bytes of header length, found " + size);
      }
      long length = readFully(channel, 0, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
      if (length < 2 || length > HEADER_BYTES_MAX || length > size - 8) {
        throw new ModelFormatException(
            name,
            "header length: expected 2 to "
                + Math.min(HEADER_BYTES_MAX, size - 8)
                + " (the file has "
                + size
                + " bytes), found "
                + Long.toUnsignedString(length));
      }
      byte[] header = readFully(channel, 8, (int) length).array();
      return new SafetensorsFile(path, parse(name, header, size - 8 - length), header, size);
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(
          name, "expected in " + path.toAbsolutePath().getParent() + ", found no such file");
    } catch (IOException e) {
      throw new ModelFormatException(
          name, "expected a readable file, found " + UnreadableFile.found(path, e), e);
    }
  }

  private static ByteBuffer readFully(FileChannel channel, long from, int count)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(count);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, from + buffer.position()) < 0) {
        throw new IOException("the file ended early");
      }
    }
    return buffer.flip();
  }

  private static Map<String, TensorInfo> parse(String name, byte[] header, long dataBytes) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header)).toString();
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(name, "header: expected UTF-8 JSON, found other bytes", e);
    }
    JsonObject json = JsonFile.parse(name + " header", text);
    List<TensorInfo> infos = new ArrayList<>();
    for (String key : json.keys()) {
      if (!key.equals("__metadata__")) {
        infos.add(tensor(json.object(key), key, 8 + header.length, dataBytes));
      }
    }
    infos.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
    checkLayout(name, infos, 8 + header.length, dataBytes);
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    infos.forEach(info -> byName.put(info.name(), info));
    return byName;
  }

  private static TensorInfo tensor(JsonObject json, String name, long dataStart, long dataBytes) {
    json.onlyKeys(Set.of("dtype", "shape", "data_offsets"));
    String dtype = json.string("dtype");
    Integer bits = BITS.get(dtype);
    if (bits == null) {
      throw json.wrong("dtype", "one of " + BITS.keySet().stream().sorted().toList(), dtype);
    }
    long[] shape = longs(json, "shape");
    long[] offsets = longs(json, "data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw json.wrong(
          "data_offsets",
          "[begin, end] with begin <= end <= " + dataBytes + " (bytes of data in the file)",
          TensorInfo.text(offsets));
    }
    long bytes;
    try {
      bytes = Math.addExact(Math.multiplyExact(TensorInfo.elements(shape), (long) bits), 7) / 8;
    } catch (ArithmeticException e) {
      throw json.wrong("shape", "fewer than 2^63 bits", TensorInfo.text(shape));
    }
    if (bytes != offsets[1] - offsets[0]) {
      throw json.wrong(
          "data_offsets",
          bytes + " bytes (" + dtype + " " + TensorInfo.text(shape) + ")",
          offsets[1] - offsets[0]);
    }
    return new TensorInfo(name, dtype, shape, dataStart + offsets[0], dataStart + offsets[1]);
  }

  private static long[] longs(JsonObject json, String key) {
    JsonNode array = json.raw(key);
    if (array == null || !array.isArray()) {
      throw json.wrong(key, "an array of integers", array == null ? "nothing" : array);
    }
    long[] out = new long[array.size()];
    for (int i = 0; i < out.length; i++) {
      JsonNode element = array.get(i);
      if (!element.isIntegralNumber() || !element.canConvertToLong() || element.asLong() < 0) {
        throw json.wrong(key, "integers of 0 and more", element);
      }
      out[i] = element.asLong();
    }
    return out;
  }

  /** The tensors must cover the data exactly: no overlap, no hole, nothing behind. */
  private static void checkLayout(String name, List<TensorInfo> infos, long start, long bytes) {
    long expected = start;
    for (TensorInfo info : infos) {
      if (info.begin() != expected) {
        String what = info.begin() < expected ? "overlaps the tensor before it" : "leaves a hole";
        throw new ModelFormatException(
            name,
            "tensor "
                + info.name()
                + ": expected to begin at byte "
                + expected
                + " of the file, found "
                + info.begin()
                + " ("
                + what
                + ")");
      }
      expected = info.end();
    }
    if (expected != start + bytes) {
      throw new ModelFormatException(
          name, "expected " + (expected - start) + " bytes of tensors, found " + bytes);
    }
  }

  /**
   * Bits of an element.
   *
   * @throws IllegalArgumentException for a type that the format does not know
   */
  static int bits(String dtype) {
    Integer bits = BITS.get(dtype);
    if (bits == null) {
      throw new IllegalArgumentException(
          "element type: expected one of " + BITS.keySet() + ", found " + dtype);
    }
    return bits;
  }

  /** File name. */
  String name() {
    return path.getFileName().toString();
  }

  Path path() {
    return path;
  }

  /** Tensors by name, in the order of the file. */
  Map<String, TensorInfo> tensors() {
    return tensors;
  }

  /** The raw header, for fingerprints. */
  byte[] header() {
    return header;
  }

  long size() {
    return size;
  }

  /** Opens the data for reading, best in the order of the file. */
  Data data() {
    try {
      return new Data(FileChannel.open(path, StandardOpenOption.READ));
    } catch (IOException e) {
      throw new ModelFormatException(
          name(), "expected a readable file, found " + UnreadableFile.found(path, e), e);
    }
  }

  /** Mapped tensor data; one window is held at a time. Belongs to one thread. */
  final class Data implements AutoCloseable {
    private final FileChannel channel;
    private ByteBuffer window = ByteBuffer.allocateDirect(0);
    private long windowBegin;

    private Data(FileChannel channel) {
      this.channel = channel;
    }

    /** The tensor's bytes as a direct little-endian buffer. */
    ByteBuffer read(TensorInfo info) {
      return read(info, 0, info.bytes());
    }

    /** Bytes [{@code offset}, {@code offset + count}) of the tensor. */
    ByteBuffer read(TensorInfo info, long offset, long count) {
      if (count > Integer.MAX_VALUE) {
        throw new ModelFormatException(
            name(),
            "tensor " + info.name() + ": expected less than 2 GiB, found " + count + " bytes");
      }
      long begin = info.begin() + offset;
      if (begin < windowBegin || begin + count > windowBegin + window.capacity()) {
        map(begin, count);
      }
      return window.slice((int) (begin - windowBegin), (int) count).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void map(long begin, long count) {
      try {
        if (channel.size() != size) {
          throw new ModelFormatException(
              name(), "expected " + size + " bytes as when opened, found " + channel.size());
        }
        long length = Math.min(size - begin, Math.max(count, WINDOW_BYTES));
        window = channel.map(FileChannel.MapMode.READ_ONLY, begin, length);
        windowBegin = begin;
      } catch (IOException e) {
        throw new ModelFormatException(
            name(), "expected a readable file, found " + UnreadableFile.found(path, e), e);
      }
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw new ModelFormatException(name(), "expected to close, found " + e, e);
      }
    }
  }
}
