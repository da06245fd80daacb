package dev.gavel.training.distributed;

import dev.gavel.training.model.Parameters;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.torch.Torch;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Sums over processes by c10d's Gloo backend. Every worker gets the same bits. */
public final class GlooExchange implements GradientExchange {
  /** Elements that are summed in one call: enough to be worth it, little to hold twice. */
  private static final long BUCKET = 4 << 20;

  private final WorkerSpec spec;
  private final Store store;
  private final ProcessGroupGloo group;

  private GlooExchange(WorkerSpec spec, Store store, ProcessGroupGloo group) {
    this.spec = spec;
    this.store = store;
    this.group = group;
  }

  /** One of several workers by the environment; {@link GradientExchange#ALONE} if it is one. */
  public static GradientExchange joinIfMany(WorkerSpec spec) {
    return spec.workers() == 1 ? ALONE : join(spec);
  }

  /** Whether this build's native libraries have Gloo. */
  public static boolean isAvailable() {
    try {
      Torch.load();
      ProcessGroupGloo.Options.create().close();
      return true;
    } catch (LinkageError e) {
      return false;
    }
  }

  /**
   * Meets the other workers.
   *
   * @throws IllegalStateException naming those who did not come in time, or what is missing
   */
  public static GlooExchange join(WorkerSpec spec) {
    if (!isAvailable()) {
      throw new IllegalStateException(
          "several workers: expected PyTorch's Gloo backend (libjnitorch_gloo.so) among the native"
              + " libraries, found none");
    }
    try (PointerScope scope = new PointerScope()) {
      Store store = Meetings.open(spec);
      Meetings.rollCall(store, spec);
      Milliseconds timeout = new Milliseconds(spec.stepTimeout().toMillis());
      ProcessGroupGloo group =
          new ProcessGroupGloo(
              store, spec.rank(), spec.workers(), ProcessGroupGloo.Options.create_default(timeout));
      store.retainReference();
      group.retainReference();
      return new GlooExchange(spec, store, group);
    } catch (RuntimeException e) {
      throw e instanceof IllegalStateException ? e : Meetings.failed(spec, "connecting", e);
    }
  }

  @Override
  public int rank() {
    return spec.rank();
  }

  @Override
  public int workers() {
    return spec.workers();
  }

  @Override
  public void sumGradients(Parameters parameters) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      List<Tensor> bucket = new ArrayList<>();
      long elements = 0;
      for (Tensor gradient : gradients(parameters)) {
        bucket.add(gradient);
        elements += gradient.numel();
        if (elements >= BUCKET) {
          sumBucket(bucket);
          bucket.clear();
          elements = 0;
        }
      }
      if (!bucket.isEmpty()) {
        sumBucket(bucket);
      }
    }
  }

  /**
   * Gradients that any worker has, with zeros where this one has none. One that nobody has stays
   * away, since the optimizer would decay its parameter.
   */
  private List<Tensor> gradients(Parameters parameters) {
    List<Tensor> trainable = List.copyOf(parameters.trainable().values());
    double[] have = trainable.stream().mapToDouble(each -> each.grad().defined() ? 1 : 0).toArray();
    double[] all = sum(have);
    List<Tensor> out = new ArrayList<>();
    for (int i = 0; i < all.length; i++) {
      if (all[i] > 0) {
        Tensor gradient = trainable.get(i).mutable_grad();
        if (have[i] == 0) {
          gradient.put(torch.zeros_like(trainable.get(i)));
        }
        out.add(gradient);
      }
    }
    return out;
  }

  /** Sums in fp32, or in fp64 where the gradients are. */
  private void sumBucket(List<Tensor> gradients) {
    try (PointerScope scope = new PointerScope()) {
      boolean wide = gradients.get(0).scalar_type().value == ScalarType.Double.value;
      ScalarType type = wide ? ScalarType.Double : ScalarType.Float;
      Tensor[] flat =
          gradients.stream()
              .map(gradient -> gradient.reshape(gradient.numel()).to(type))
              .toArray(Tensor[]::new);
      Tensor all = torch.cat(new TensorVector(flat), 0);
      sum(all, "gradients");
      long at = 0;
      for (Tensor gradient : gradients) {
        long count = gradient.numel();
        gradient.copy_(all.narrow(0, at, count).view(gradient.shape()));
        at += count;
      }
    }
  }

  @Override
  public double[] sum(double... values) {
    if (values.length == 0) {
      return values;
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor = Tensor.create(values, values.length);
      sum(tensor, "numbers");
      return Torch.doubles(tensor);
    }
  }

  @Override
  public List<String> gather(String value) {
    byte[] own = value.getBytes(StandardCharsets.UTF_8);
    double[] lengths = new double[workers()];
    lengths[rank()] = own.length;
    lengths = sum(lengths);
    int total = 0;
    int begin = 0;
    for (int i = 0; i < lengths.length; i++) {
      begin += i < rank() ? (int) lengths[i] : 0;
      total += (int) lengths[i];
    }
    byte[] all = new byte[total];
    System.arraycopy(own, 0, all, begin, own.length);
    return split(total == 0 ? all : sumBytes(all), lengths);
  }

  /** Everybody's bytes are zero where another's are, so their sum is all of them. */
  private byte[] sumBytes(byte[] bytes) {
    try (PointerScope scope = new PointerScope()) {
      Tensor tensor = torch.zeros(new long[] {bytes.length}, new TensorOptions(ScalarType.Byte));
      BytePointer memory = new BytePointer(tensor.data_ptr()).capacity(bytes.length);
      memory.put(bytes, 0, bytes.length);
      sum(tensor, "texts");
      byte[] out = new byte[bytes.length];
      memory.get(out, 0, out.length);
      return out;
    }
  }

  private static List<String> split(byte[] all, double[] lengths) {
    List<String> out = new ArrayList<>();
    int at = 0;
    for (double length : lengths) {
      out.add(new String(all, at, (int) length, StandardCharsets.UTF_8));
      at += (int) length;
    }
    return out;
  }

  /** Of any type that Gloo adds; {@code what} is named where not all answer. */
  void sum(Tensor tensor, String what) {
    try {
      Work work = group.allreduce(new TensorVector(tensor));
      work._wait(new Milliseconds(spec.stepTimeout().toMillis()));
    } catch (RuntimeException e) {
      throw Meetings.failed(spec, what, e);
    }
  }

  @Override
  public void close() {
    group.close();
    store.close();
  }
}
