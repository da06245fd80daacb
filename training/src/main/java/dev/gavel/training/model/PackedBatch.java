package dev.gavel.training.model;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sequences end to end, without padding, and the tokens to be predicted in them.
 *
 * @param tokens [tokens] all sequences
 * @param offsets [sequences + 1] where each begins, cumulative
 * @param rows [targets] the row after which a target comes
 * @param targets [targets] tokens to be predicted
 * @param weights [targets] how much each counts
 */
public record PackedBatch(
    int[] tokens, int[] offsets, int[] rows, int[] targets, double[] weights) {

  /**
   * One sequence.
   *
   * @param tokens what the model reads; at least one
   * @param rows [targets] the token after which a target comes
   * @param targets [targets] tokens to be predicted
   * @param weights [targets] how much each counts
   */
  public record Sequence(int[] tokens, int[] rows, int[] targets, double[] weights) {
    public Sequence {
      if (tokens.length == 0) {
        throw new IllegalArgumentException("sequence: expected at least one token, found none");
      }
    }

    /** A prompt and the response to learn, which may be empty: then nothing is predicted. */
    public static Sequence of(int[] prompt, int[] response) {
      // The last response token is no input: nothing follows it.
      int inputs = prompt.length + Math.max(0, response.length - 1);
      int[] tokens = Arrays.copyOf(prompt, inputs);
      System.arraycopy(response, 0, tokens, prompt.length, inputs - prompt.length);
      int[] rows = new int[response.length];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = prompt.length - 1 + i;
      }
      double[] weights = new double[response.length];
      Arrays.fill(weights, 1);
      return new Sequence(tokens, rows, response, weights);
    }

    /**
     * A prompt and a response of which some tokens are given, not learned.
     *
     * @param given [response]
     */
    public static Sequence of(int[] prompt, int[] response, boolean[] given) {
      Sequence all = of(prompt, response);
      int[] own = IntStream.range(0, response.length).filter(i -> !given[i]).toArray();
      return new Sequence(
          all.tokens,
          Arrays.stream(own).map(i -> all.rows[i]).toArray(),
          Arrays.stream(own).map(i -> response[i]).toArray(),
          Arrays.stream(own).mapToDouble(i -> all.weights[i]).toArray());
    }

    /** A prompt after which any of several tokens may come, with the given probabilities. */
    public static Sequence soft(int[] prompt, int[] choices, double[] probabilities) {
      int[] rows = new int[choices.length];
      Arrays.fill(rows, prompt.length - 1);
      return new Sequence(prompt, rows, choices, probabilities);
    }

    /** The same, counting more or less. */
    public Sequence times(double factor) {
      double[] scaled = Arrays.stream(weights).map(weight -> weight * factor).toArray();
      return new Sequence(tokens, rows, targets, scaled);
    }

    public int length() {
      return tokens.length;
    }

    /** Sum of the weights. */
    public double weight() {
      return Arrays.stream(weights).sum();
    }
  }

  /** Packs sequences in their order. */
  public static PackedBatch of(List<Sequence> sequences) {
    if (sequences.isEmpty()) {
      throw new IllegalArgumentException("sequences: expected at least one, found none");
    }
    int[] offsets = new int[sequences.size() + 1];
    for (int i = 0; i < sequences.size(); i++) {
      offsets[i + 1] = offsets[i] + sequences.get(i).length();
    }
    int[] rows = new int[sequences.stream().mapToInt(each -> each.rows().length).sum()];
    int at = 0;
    for (int i = 0; i < sequences.size(); i++) {
      for (int row : sequences.get(i).rows()) {
        rows[at++] = offsets[i] + row;
      }
    }
    return new PackedBatch(
        sequences.stream().flatMapToInt(each -> Arrays.stream(each.tokens())).toArray(),
        offsets,
        rows,
        sequences.stream().flatMapToInt(each -> Arrays.stream(each.targets())).toArray(),
        sequences.stream().flatMapToDouble(each -> Arrays.stream(each.weights())).toArray());
  }

  public int sequences() {
    return offsets.length - 1;
  }

  int length(int sequence) {
    return offsets[sequence + 1] - offsets[sequence];
  }

  /** Place of every token within its sequence, [tokens]. */
  int[] positions() {
    int[] out = new int[tokens.length];
    for (int i = 0; i < sequences(); i++) {
      for (int row = offsets[i]; row < offsets[i + 1]; row++) {
        out[row] = row - offsets[i];
      }
    }
    return out;
  }
}
