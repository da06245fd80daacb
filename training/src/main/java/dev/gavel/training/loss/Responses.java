package dev.gavel.training.loss;

import dev.gavel.training.torch.Torch;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Where each response lies in the flat vector of tokens.
 *
 * @param lengths tokens of each response, end to end; at least one each
 */
public record Responses(int[] lengths) {
  public Responses {
    lengths = lengths.clone();
    for (int length : lengths) {
      if (length < 1) {
        throw new IllegalArgumentException(
            "response: expected at least one token, found " + length);
      }
    }
    if (lengths.length == 0) {
      throw new IllegalArgumentException("responses: expected at least one, found none");
    }
  }

  /** Number of responses. */
  public int count() {
    return lengths.length;
  }

  /** Number of tokens of all of them. */
  public int tokens() {
    return Arrays.stream(lengths).sum();
  }

  /** The response of every token, [tokens]. */
  int[] owners() {
    int[] out = new int[tokens()];
    int at = 0;
    for (int i = 0; i < lengths.length; i++) {
      Arrays.fill(out, at, at + lengths[i], i);
      at += lengths[i];
    }
    return out;
  }

  /** Sums [tokens] within each response: [count]. */
  Tensor sums(Tensor perToken) {
    check(perToken, "per token");
    Tensor zeros = torch.zeros(new long[] {count()}, perToken.options());
    return zeros.index_add(0, Torch.indices(owners()), perToken);
  }

  /** One value of each response, [count], at each of its tokens: [tokens]. */
  Tensor spread(double[] perResponse, Tensor like) {
    if (perResponse.length != count()) {
      throw new IllegalArgumentException(
          "expected a value for each of " + count() + " responses, found " + perResponse.length);
    }
    int[] owners = owners();
    double[] out = new double[owners.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = perResponse[owners[i]];
    }
    return Torch.vector(out, like);
  }

  void check(Tensor perToken, String name) {
    if (perToken.dim() != 1 || perToken.size(0) != tokens()) {
      throw new IllegalArgumentException(
          name
              + ": expected shape ["
              + tokens()
              + "] (the responses' tokens), found "
              + Arrays.toString(perToken.shape()));
    }
  }
}
