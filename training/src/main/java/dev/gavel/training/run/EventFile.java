package dev.gavel.training.run;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Scalars as TensorBoard reads them: TFRecords (length, its masked CRC-32C, data, their masked
 * CRC-32C; little-endian) of {@code Event} messages (tensorflow/core/util/event.proto), each with a
 * step of one run.
 */
final class EventFile {
  /** TensorBoard takes files whose names hold {@code tfevents}. */
  static final String NAME = "events.out.tfevents.0.gavel";

  private static final int CRC_MASK = 0xa282ead8;
  private static final int HEADER = Long.BYTES + Integer.BYTES;
  private static final String VERSION = "brain.Event:2";

  private final Path file;

  EventFile(Path folder) {
    this.file = folder.resolve(NAME);
  }

  /**
   * Appends the values of a step.
   *
   * @param seconds since 1970
   */
  void append(StepMetrics metrics, double seconds) throws IOException {
    if (!Files.exists(file)) {
      Protobuf begin = new Protobuf().number(1, seconds).text(3, VERSION);
      Files.write(file, record(begin.bytes()));
    }
    Protobuf summary = new Protobuf();
    metrics
        .values()
        .forEach(
            (name, value) ->
                summary.bytes(
                    1, new Protobuf().text(1, name).number(2, value.floatValue()).bytes()));
    Protobuf event = new Protobuf().number(1, seconds);
    event.integer(2, metrics.step()).bytes(5, summary.bytes());
    Files.write(file, record(event.bytes()), StandardOpenOption.APPEND);
  }

  /** Forgets events of steps after {@code step}, and whatever is cut off at the end. */
  void forgetAfter(int step) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer kept = ByteBuffer.allocate(all.capacity());
    while (all.remaining() >= HEADER) {
      long length = all.getLong(all.position());
      long whole = HEADER + length + Integer.BYTES;
      if (length < 0 || whole > all.remaining()) {
        break;
      }
      ByteBuffer record = all.slice(all.position(), (int) whole);
      if (step(record.slice(HEADER, (int) length)) <= step) {
        kept.put(record);
      }
      all.position(all.position() + (int) whole);
    }
    byte[] bytes = new byte[kept.position()];
    kept.flip().get(bytes);
    Path partial = file.resolveSibling("partial-" + NAME.replace("tfevents", "events"));
    Files.write(partial, bytes);
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The step of an event of ours: the time comes first, then the step where there is one. */
  private static long step(ByteBuffer event) {
    int at = 1 + Double.BYTES;
    if (event.limit() <= at || event.get(at) != (2 << 3)) {
      return 0;
    }
    long step = 0;
    int shift = 0;
    byte next;
    do {
      next = event.get(++at);
      step |= (long) (next & 0x7f) << shift;
      shift += 7;
    } while (next < 0);
    return step;
  }

  /** One TFRecord. */
  static byte[] record(byte[] data) {
    ByteBuffer out =
        ByteBuffer.allocate(HEADER + data.length + Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(data.length);
    out.putInt(maskedCrc(out.array(), 0, Long.BYTES));
    out.put(data);
    out.putInt(maskedCrc(data, 0, data.length));
    return out.array();
  }

  /** Rotated and shifted, as the format has it: a CRC of data that hold CRCs is weak. */
  private static int maskedCrc(byte[] bytes, int from, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_MASK;
  }

  /** The few kinds of fields in an event; field numbers below 16. */
  private static final class Protobuf {
    private static final int VARINT = 0;
    private static final int FIXED_64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED_32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private void tag(int field, int kind) {
      out.write(field << 3 | kind);
    }

    private void varint(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        out.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }

    private void little(long bits, int bytes) {
      for (int i = 0; i < bytes; i++) {
        out.write((int) (bits >>> 8 * i));
      }
    }

    Protobuf integer(int field, long value) {
      tag(field, VARINT);
      varint(value);
      return this;
    }

    Protobuf number(int field, double value) {
      tag(field, FIXED_64);
      little(Double.doubleToLongBits(value), Double.BYTES);
      return this;
    }

    Protobuf number(int field, float value) {
      tag(field, FIXED_32);
      little(Float.floatToIntBits(value), Float.BYTES);
      return this;
    }

    Protobuf text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Protobuf bytes(int field, byte[] value) {
      tag(field, BYTES);
      varint(value.length);
      out.writeBytes(value);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }
}
