package dev.gavel.training.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.training.torch.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AttentionTest {
  private static final ModelConfig CONFIG = ModelShape.of("tiny").config();
  private static final int WIDTH = CONFIG.heads() * CONFIG.headDim();
  private static final int KV_WIDTH = CONFIG.kvHeads() * CONFIG.headDim();

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  /** Mixed groups, one group in its own order, single rows, lengths at a group's border. */
  static List<int[]> lengths() {
    return List.of(
        new int[] {3, 40, 1, 17, 18, 2, 33, 16, 1, 40},
        new int[] {7, 7, 7},
        new int[] {5},
        new int[] {1, 1},
        new int[] {20, 4, 3},
        new int[] {150, 130, 129, 151, 2});
  }

  private static PackedBatch batch(int... lengths) {
    List<PackedBatch.Sequence> sequences = new ArrayList<>();
    for (int length : lengths) {
      sequences.add(PackedBatch.Sequence.of(new int[length], new int[0]));
    }
    return PackedBatch.of(sequences);
  }

  /** [rows, width] and a view of it by head, from which gradients flow. */
  private record Input(Tensor leaf, int heads) {
    static Input random(SplittableRandom random, int rows, int heads) {
      double[] values = random.doubles((long) rows * heads * CONFIG.headDim(), -2, 2).toArray();
      return of(Tensor.create(values, rows, heads * CONFIG.headDim()), heads);
    }

    static Input of(Tensor values, int heads) {
      values.set_requires_grad(true);
      return new Input(values, heads);
    }

    Tensor byHead() {
      return leaf.view(leaf.size(0), heads, CONFIG.headDim());
    }

    Input rows(int from, int count) {
      return of(leaf.detach().narrow(0, from, count).clone(), heads);
    }
  }

  private record Inputs(Input q, Input k, Input v) {
    static Inputs random(SplittableRandom random, int rows) {
      return new Inputs(
          Input.random(random, rows, CONFIG.heads()),
          Input.random(random, rows, CONFIG.kvHeads()),
          Input.random(random, rows, CONFIG.kvHeads()));
    }

    Inputs rows(int from, int count) {
      return new Inputs(q.rows(from, count), k.rows(from, count), v.rows(from, count));
    }

    Tensor attend(PackedBatch batch) {
      return new Attention(CONFIG, batch).apply(q.byHead(), k.byHead(), v.byHead());
    }

    List<Input> all() {
      return List.of(q, k, v);
    }
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void everySequenceMixesItsOwnPast(int[] lengths) {
    try (PointerScope scope = new PointerScope()) {
      PackedBatch batch = batch(lengths);
      Inputs inputs = Inputs.random(new SplittableRandom(3), batch.tokens().length);
      double[] found = Torch.doubles(inputs.attend(batch));
      assertArrayEquals(plain(inputs, batch), found, 1e-13);
    }
  }

  /** Softmax of scaled products with plain numbers, row by row. */
  private static double[] plain(Inputs inputs, PackedBatch batch) {
    double[] q = Torch.doubles(inputs.q().leaf());
    double[] k = Torch.doubles(inputs.k().leaf());
    double[] v = Torch.doubles(inputs.v().leaf());
    double[] out = new double[q.length];
    for (int sequence = 0; sequence < batch.sequences(); sequence++) {
      int first = batch.offsets()[sequence];
      for (int row = first; row < batch.offsets()[sequence + 1]; row++) {
        for (int head = 0; head < CONFIG.heads(); head++) {
          mix(q, k, v, out, first, row, head);
        }
      }
    }
    return out;
  }

  private static void mix(
      double[] q, double[] k, double[] v, double[] out, int first, int row, int head) {
    int at = row * WIDTH + head * CONFIG.headDim();
    int kvHead = head / (CONFIG.heads() / CONFIG.kvHeads());
    int past = row - first + 1;
    double[] weights = new double[past];
    for (int i = 0; i < past; i++) {
      int other = (first + i) * KV_WIDTH + kvHead * CONFIG.headDim();
      double product =
          IntStream.range(0, CONFIG.headDim()).mapToDouble(d -> q[at + d] * k[other + d]).sum();
      weights[i] = Math.exp(product / Math.sqrt(CONFIG.headDim()));
    }
    double sum = Arrays.stream(weights).sum();
    for (int i = 0; i < past; i++) {
      int other = (first + i) * KV_WIDTH + kvHead * CONFIG.headDim();
      for (int d = 0; d < CONFIG.headDim(); d++) {
        out[at + d] += weights[i] / sum * v[other + d];
      }
    }
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void gradientsAreThoseOfEachSequenceAlone(int[] lengths) {
    try (PointerScope scope = new PointerScope()) {
      SplittableRandom random = new SplittableRandom(4);
      PackedBatch batch = batch(lengths);
      int tokens = batch.tokens().length;
      Inputs inputs = Inputs.random(random, tokens);
      Tensor weights = Input.random(random, tokens, CONFIG.heads()).leaf().detach();
      inputs.attend(batch).mul(weights).sum().backward();
      for (int i = 0; i < lengths.length; i++) {
        int from = batch.offsets()[i];
        Inputs alone = inputs.rows(from, lengths[i]);
        Tensor own = weights.narrow(0, from, lengths[i]);
        alone.attend(batch(lengths[i])).mul(own).sum().backward();
        for (int which = 0; which < 3; which++) {
          Tensor packed = inputs.all().get(which).leaf().grad().narrow(0, from, lengths[i]);
          Tensor single = alone.all().get(which).leaf().grad();
          assertArrayEquals(Torch.doubles(single), Torch.doubles(packed), 1e-12);
        }
      }
    }
  }

  @Test
  void whatPadsAReadRowNeverReachesIt() {
    try (PointerScope scope = new PointerScope()) {
      // The long sequence pads the short one's group; if padding leaked, changing it would show.
      SplittableRandom random = new SplittableRandom(5);
      Inputs inputs = Inputs.random(random, 12);
      double[] before = Torch.doubles(inputs.attend(batch(9, 3)).narrow(0, 9, 3));
      Inputs other = Inputs.random(random, 12);
      Inputs mixed =
          new Inputs(
              joined(other.q(), inputs.q()),
              joined(other.k(), inputs.k()),
              joined(other.v(), inputs.v()));
      double[] after = Torch.doubles(mixed.attend(batch(9, 3)).narrow(0, 9, 3));
      assertArrayEquals(before, after, 0);
    }
  }

  /** The first nine rows of one and the last three of the other. */
  private static Input joined(Input first, Input last) {
    Tensor rows =
        torch.cat(
            new TensorVector(
                first.leaf().detach().narrow(0, 0, 9), last.leaf().detach().narrow(0, 9, 3)),
            0);
    return Input.of(rows, first.heads());
  }
}
