package dev.gavel.training.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sequences end to end, without padding, and the tokens to be predicted in them.
 *
 * @param tokens [tokens] all sequences
 * @param offsets [sequences + 1] where each begins, cumulative
 * @param rows [targets] the row after which a target comes, ascending
 * @param targets [targets] tokens to be predicted
 */
public record PackedBatch(int[] tokens, int[] offsets, int[] rows, int[] targets) {

  /**
   * A prompt and the response to learn.
   *
   * @param prompt at least one token
   * @param response may be empty: then nothing is predicted
   */
  public record Sequence(int[] prompt, int[] response) {
    public Sequence {
      if (prompt.length == 0) {
        throw new IllegalArgumentException("prompt: expected at least one token, found none");
      }
    }

    public int length() {
      return prompt.length + response.length;
    }
  }

  /** Packs sequences in their order. The last response token is no input: nothing follows it. */
  public static PackedBatch of(List<Sequence> sequences) {
    if (sequences.isEmpty()) {
      throw new IllegalArgumentException("sequences: expected at least one, found none");
    }
    List<int[]> inputs = new ArrayList<>();
    int[] offsets = new int[sequences.size() + 1];
    int[] rows = new int[sequences.stream().mapToInt(s -> s.response().length).sum()];
    int[] targets = new int[rows.length];
    int at = 0;
    for (int i = 0; i < sequences.size(); i++) {
      Sequence sequence = sequences.get(i);
      int[] response = sequence.response();
      inputs.add(sequence.prompt());
      inputs.add(Arrays.copyOf(response, Math.max(0, response.length - 1)));
      for (int j = 0; j < response.length; j++) {
        rows[at] = offsets[i] + sequence.prompt().length - 1 + j;
        targets[at++] = response[j];
      }
      offsets[i + 1] = offsets[i] + sequence.prompt().length + Math.max(0, response.length - 1);
    }
    return new PackedBatch(concatenated(inputs), offsets, rows, targets);
  }

  private static int[] concatenated(List<int[]> parts) {
    return parts.stream().flatMapToInt(Arrays::stream).toArray();
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
