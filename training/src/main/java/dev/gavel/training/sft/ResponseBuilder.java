package dev.gavel.training.sft;

import dev.gavel.training.model.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Builds a sequence token by token: some are read, some learned. */
final class ResponseBuilder {
  /** A token to be predicted after the token at {@code row}. */
  private record Target(int row, int token, double weight) {}

  private final List<Integer> tokens = new ArrayList<>();
  private final List<Target> targets = new ArrayList<>();

  ResponseBuilder(int[] prompt) {
    read(prompt);
  }

  /** Adds tokens that are given. */
  void read(int[] more) {
    Arrays.stream(more).forEach(tokens::add);
  }

  /** Adds tokens that are learned; those of weight 0 are only read. */
  void learn(int[] more, double weight) {
    for (int token : more) {
      add(token, weight);
      tokens.add(token);
    }
  }

  /** The next token may be any of several; one of them is to be added by {@link #read}. */
  void choose(int[] choices, double[] weights) {
    for (int i = 0; i < choices.length; i++) {
      add(choices[i], weights[i]);
    }
  }

  private void add(int token, double weight) {
    if (weight > 0) {
      targets.add(new Target(tokens.size() - 1, token, weight));
    }
  }

  /** The sequence up to the last row that predicts something. */
  PackedBatch.Sequence build() {
    int length = targets.stream().mapToInt(Target::row).max().orElse(0) + 1;
    return new PackedBatch.Sequence(
        tokens.subList(0, length).stream().mapToInt(Integer::intValue).toArray(),
        targets.stream().mapToInt(Target::row).toArray(),
        targets.stream().mapToInt(Target::token).toArray(),
        targets.stream().mapToDouble(Target::weight).toArray());
  }
}
