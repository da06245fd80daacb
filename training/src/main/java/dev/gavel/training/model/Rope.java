package dev.gavel.training.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.RopeScaling;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Rotary positions (Su et al., arXiv 2104.09864), halves rotated against each other. */
final class Rope {
  private final double[] frequencies; // [headDim / 2]

  /**
   * Cosines, and sines by what each half takes from the other: [tokens, 1, headDim].
   *
   * @param sin of the first half negated
   */
  record Angles(Tensor cos, Tensor sin) {
    /** Rotates [tokens, heads, headDim]. */
    Tensor rotate(Tensor x) {
      // Chunks, not slices: their gradient is put together once instead of added up from zeros.
      TensorVector halves = torch.chunk(x, 2, 2);
      Tensor swapped = torch.cat(new TensorVector(halves.get(1), halves.get(0)), 2);
      return torch.addcmul(x.mul(cos), swapped, sin);
    }
  }

  Rope(ModelConfig config) {
    frequencies = new double[config.headDim() / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double plain = Math.pow(config.ropeTheta(), -2.0 * i / config.headDim());
      frequencies[i] = scaled(plain, config.ropeScaling());
    }
  }

  private static double scaled(double frequency, RopeScaling scaling) {
    return switch (scaling.kind()) {
      case DEFAULT -> frequency;
      case LINEAR -> frequency / scaling.factor();
      case LLAMA3 -> llama3(frequency, scaling);
    };
  }

  /** Long waves are stretched, short ones kept, those between blended. */
  private static double llama3(double frequency, RopeScaling scaling) {
    double turns = scaling.originalPositions() * frequency / (2 * Math.PI);
    double low = scaling.lowFrequencyFactor();
    double high = scaling.highFrequencyFactor();
    double kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
    return kept * frequency + (1 - kept) * frequency / scaling.factor();
  }

  /** Angles of the given positions, in the type of {@code like}. */
  Angles angles(int[] positions, Tensor like) {
    int half = frequencies.length;
    double[] cos = new double[positions.length * 2 * half];
    double[] sin = new double[cos.length];
    for (int row = 0; row < positions.length; row++) {
      for (int i = 0; i < half; i++) {
        double angle = positions[row] * frequencies[i];
        int at = row * 2 * half + i;
        cos[at] = cos[at + half] = Math.cos(angle);
        sin[at] = -Math.sin(angle);
        sin[at + half] = Math.sin(angle);
      }
    }
    return new Angles(table(cos, positions.length, like), table(sin, positions.length, like));
  }

  private static Tensor table(double[] values, int rows, Tensor like) {
    long columns = values.length / rows;
    return Tensor.create(values, rows, 1, columns).to(like.scalar_type());
  }
}
