package dev.gavel.engine;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a model computes, in the order of {@code gavel.h}. A device takes some of them. */
public enum Quantization {
  /** CPU: 32-bit floating point, the exact path. */
  FP32(4, 4, false),
  /** CPU: linear layers with 8-bit weights per output channel and 8-bit activations per token. */
  INT8(1, 2, false),
  /** CUDA: 16 bits with the range of fp32. */
  BF16(2, 2, true),
  /** CUDA: 16 bits, finer than bf16 but only up to 65504. */
  FP16(2, 2, true),
  /** CUDA: linear layers in e4m3, scaled like {@link #INT8}, all else in bf16. */
  FP8(1, 2, true);

  private final int weightBytes;
  private final int keyValueBytes;
  private final boolean cuda;

  Quantization(int weightBytes, int keyValueBytes, boolean cuda) {
    this.weightBytes = weightBytes;
    this.keyValueBytes = keyValueBytes;
    this.cuda = cuda;
  }

  /** Bytes of one weight of a linear layer. */
  public int weightBytes() {
    return weightBytes;
  }

  /** Bytes of one element of keys and values. */
  public int keyValueBytes() {
    return keyValueBytes;
  }

  /** The name users type and see: {@code fp32}, {@code int8}, {@code bf16} and so on. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What a device takes, its default first: {@code cpu}, or {@code cuda:N}. */
  public static List<Quantization> of(String device) {
    boolean onCuda = device.startsWith("cuda");
    return Arrays.stream(values()).filter(value -> value.cuda == onCuda).toList();
  }

  /** What a device computes in where nothing else is asked for: fp32 on a CPU, bf16 on CUDA. */
  public static Quantization defaultOf(String device) {
    return of(device).get(0);
  }

  /**
   * The quantization of that name.
   *
   * @throws IllegalArgumentException naming all, and what was found
   */
  public static Quantization parse(String id) {
    return parse(id, List.of(values()), "");
  }

  /**
   * The quantization of that name, if the device takes it; the device's default if it is empty.
   *
   * @throws IllegalArgumentException naming those that the device takes, and what was found
   */
  public static Quantization parse(String id, String device) {
    return id.isEmpty() ? defaultOf(device) : parse(id, of(device), " on " + device);
  }

  private static Quantization parse(String id, List<Quantization> known, String where) {
    return known.stream()
        .filter(value -> value.id().equalsIgnoreCase(id))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "expected one of "
                        + known.stream().map(Quantization::id).collect(Collectors.joining(", "))
                        + where
                        + ", found \""
                        + id
                        + "\""));
  }
}
