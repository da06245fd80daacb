package dev.gavel.cli.realmodel;

import dev.gavel.relevance.model.HalfFloats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensors of a GGUF file of version 3, below 2 GiB: magic, version, counts, key-value pairs,
 * tensor descriptions, padding, data; all little-endian. Knows the types that the model at hand
 * uses.
 */
final class GgufFile {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  private static final int BLOCK = 32; // weights that share a scale

  /** How weights are stored; code in the file, and bytes per {@link #BLOCK} weights. */
  enum Type {
    F32(0, BLOCK * Float.BYTES),
    /** Scale and minimum as binary16, then 16 bytes: low halves come before high halves. */
    Q4_1(3, 2 + 2 + BLOCK / 2),
    /** Scale as binary16, then signed bytes. */
    Q8_0(8, 2 + BLOCK);

    private final int code;
    private final int blockBytes;

    Type(int code, int blockBytes) {
      this.code = code;
      this.blockBytes = blockBytes;
    }

    private static Type of(int code) {
      for (Type type : values()) {
        if (type.code == code) {
          return type;
        }
      }
      throw new IllegalArgumentException("tensor type: expected 0, 3 or 8, found " + code);
    }
  }

  /**
   * @param shape [rows, columns], or [columns]
   * @param offset from the beginning of the data
   */
  record Tensor(String name, Type type, long[] shape, long offset) {
    int columns() {
      return (int) shape[shape.length - 1];
    }

    int rows() {
      return shape.length == 1 ? 1 : (int) shape[0];
    }
  }

  private final ByteBuffer file;
  private final List<Tensor> tensors = new ArrayList<>();
  private final int dataStart;

  GgufFile(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
    }
    file.order(ByteOrder.LITTLE_ENDIAN);
    expect("magic", MAGIC, file.getInt());
    expect("version", VERSION, file.getInt());
    long tensorCount = file.getLong();
    long pairs = file.getLong();
    for (long i = 0; i < pairs; i++) {
      String key = string();
      int type = file.getInt();
      if (key.equals("general.alignment")) {
        throw new IllegalArgumentException(key + ": expected none, that is " + ALIGNMENT);
      }
      skipValue(type);
    }
    for (long i = 0; i < tensorCount; i++) {
      tensors.add(tensor());
    }
    dataStart = (file.position() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static void expect(String what, int expected, int found) {
    if (found != expected) {
      throw new IllegalArgumentException(what + ": expected " + expected + ", found " + found);
    }
  }

  private String string() {
    byte[] bytes = new byte[Math.toIntExact(file.getLong())];
    file.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void skipValue(int type) {
    switch (type) {
      case 0, 1, 7 -> file.get(); // 8-bit integers, boolean
      case 2, 3 -> file.getShort();
      case 4, 5, 6 -> file.getInt(); // 32-bit integers, float
      case 8 -> string();
      case 9 -> {
        int elementType = file.getInt();
        long count = file.getLong();
        for (long i = 0; i < count; i++) {
          skipValue(elementType);
        }
      }
      case 10, 11, 12 -> file.getLong(); // 64-bit integers, double
      default -> throw new IllegalArgumentException("value type: expected 0 to 12, found " + type);
    }
  }

  private Tensor tensor() {
    String name = string();
    long[] shape = new long[file.getInt()];
    for (int i = shape.length - 1; i >= 0; i--) {
      shape[i] = file.getLong(); // innermost first
    }
    return new Tensor(name, Type.of(file.getInt()), shape, file.getLong());
  }

  List<Tensor> tensors() {
    return List.copyOf(tensors);
  }

  /** Reads row {@code row} of {@code tensor} into {@code weights} [columns, a multiple of 32]. */
  void read(Tensor tensor, int row, float[] weights) {
    int blocks = weights.length / BLOCK;
    int blockBytes = tensor.type().blockBytes;
    int at = Math.toIntExact(dataStart + tensor.offset() + (long) row * blocks * blockBytes);
    for (int block = 0; block < blocks; block++) {
      int from = at + block * blockBytes;
      int to = block * BLOCK;
      switch (tensor.type()) {
        case F32 -> readFloats(from, weights, to);
        case Q4_1 -> readQ4(from, weights, to);
        case Q8_0 -> readQ8(from, weights, to);
      }
    }
  }

  private void readFloats(int from, float[] weights, int to) {
    for (int i = 0; i < BLOCK; i++) {
      weights[to + i] = file.getFloat(from + i * Float.BYTES);
    }
  }

  private void readQ4(int from, float[] weights, int to) {
    float scale = HalfFloats.fromF16(file.getShort(from));
    float minimum = HalfFloats.fromF16(file.getShort(from + 2));
    for (int i = 0; i < BLOCK / 2; i++) {
      int pair = file.get(from + 4 + i);
      weights[to + i] = scale * (pair & 0xF) + minimum;
      weights[to + i + BLOCK / 2] = scale * (pair >> 4 & 0xF) + minimum;
    }
  }

  private void readQ8(int from, float[] weights, int to) {
    float scale = HalfFloats.fromF16(file.getShort(from));
    for (int i = 0; i < BLOCK; i++) {
      weights[to + i] = scale * file.get(from + 2 + i);
    }
  }
}
