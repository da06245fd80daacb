package dev.gavel.training.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.training.torch.Torch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Causal attention of every sequence of a packed batch over itself.
 *
 * <p>Sequences of about the same length are computed together, padded at their end to the longest:
 * no row looks at what comes after it, so padding needs no mask. Only attention sees the padding,
 * which is the small part of the work where sequences are short; where they are long, little is
 * added.
 */
final class Attention {
  /** Lengths of a group differ by no more than this, or than the share of the longest. */
  private static final int SPAN = 16;

  private static final int SPAN_SHARE = 8;

  /** As many sequences, padded to as many rows. */
  private record Group(long sequences, long rows) {
    long padded() {
      return sequences * rows;
    }
  }

  private final ModelConfig config;
  private final List<Group> groups = new ArrayList<>();
  private final Tensor padding; // [padded rows] the packed row of each, or null if they are equal
  private final Tensor packing; // [tokens] where each went

  Attention(ModelConfig config, PackedBatch batch) {
    this.config = config;
    int[] order =
        IntStream.range(0, batch.sequences())
            .boxed()
            .sorted(Comparator.comparingInt(sequence -> -batch.length(sequence)))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int from = 0; from < order.length; ) {
      int longest = batch.length(order[from]);
      int shortest = longest - Math.max(SPAN, longest / SPAN_SHARE);
      int to = from;
      while (to < order.length && batch.length(order[to]) >= shortest) {
        to++;
      }
      groups.add(new Group(to - from, longest));
      from = to;
    }
    int padded = (int) groups.stream().mapToLong(Group::padded).sum();
    int[] sources = new int[padded];
    int[] places = new int[batch.tokens().length];
    place(batch, order, sources, places);
    boolean equal = Arrays.equals(sources, IntStream.range(0, padded).toArray());
    this.padding = equal ? null : Torch.indices(sources);
    this.packing = equal ? null : Torch.indices(places);
  }

  /** Lays the sequences out, group by group; what pads one is its last row. */
  private void place(PackedBatch batch, int[] order, int[] sources, int[] places) {
    int row = 0;
    int next = 0;
    for (Group group : groups) {
      for (int i = 0; i < group.sequences(); i++) {
        int sequence = order[next++];
        int begin = batch.offsets()[sequence];
        int length = batch.length(sequence);
        for (int j = 0; j < group.rows(); j++, row++) {
          sources[row] = begin + Math.min(j, length - 1);
          if (j < length) {
            places[begin + j] = row;
          }
        }
      }
    }
  }

  /**
   * Mixes values within sequences.
   *
   * @param q [tokens, heads, headDim]
   * @param k [tokens, kvHeads, headDim]
   * @param v [tokens, kvHeads, headDim]
   * @return [tokens, heads * headDim]
   */
  Tensor apply(Tensor q, Tensor k, Tensor v) {
    TensorVector queries = grouped(q);
    TensorVector keys = grouped(k);
    TensorVector values = grouped(v);
    Tensor[] mixed = new Tensor[groups.size()];
    for (int i = 0; i < mixed.length; i++) {
      mixed[i] = mix(groups.get(i), queries.get(i), keys.get(i), values.get(i));
    }
    Tensor all = mixed.length == 1 ? mixed[0] : torch.cat(new TensorVector(mixed), 0);
    return packing == null ? all : torch.embedding(all, packing);
  }

  /** [tokens, heads, headDim] to each group's [sequences * rows, heads * headDim]. */
  private TensorVector grouped(Tensor x) {
    // An embedding's gradient is a scatter that adds; that of padding rows is zero.
    Tensor flat = x.reshape(x.size(0), -1);
    Tensor rows = padding == null ? flat : torch.embedding(flat, padding);
    long[] sizes = groups.stream().mapToLong(Group::padded).toArray();
    return torch.split_with_sizes(rows, sizes, 0);
  }

  private Tensor mix(Group group, Tensor q, Tensor k, Tensor v) {
    Tensor mixed =
        torch.scaled_dot_product_attention(
            byHead(group, q),
            byHead(group, k),
            byHead(group, v),
            new TensorOptional(),
            0.0,
            true,
            new DoubleOptional(),
            config.kvHeads() < config.heads());
    return mixed.transpose(1, 2).reshape(group.padded(), -1);
  }

  /** [sequences * rows, heads * headDim] to [sequences, heads, rows, headDim]. */
  private Tensor byHead(Group group, Tensor x) {
    return x.view(group.sequences(), group.rows(), -1, config.headDim()).transpose(1, 2);
  }
}
