package dev.gavel.training.rollout;

import dev.gavel.engine.Sampling;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.sft.ResponseEncoder;
import java.util.SplittableRandom;

/**
 * How responses are drawn.
 *
 * @param form of the response; {@link ResponseEncoder.Form#LABEL_ONLY} draws no reasoning
 * @param temperature 0 is greedy; also of the label
 * @param topK of reasoning tokens; 0 keeps all
 * @param topP of reasoning tokens; 1 keeps all
 * @param tokensMax reasoning tokens, at least 1
 * @param seed with the pair's id and the path's number fixes a response
 */
public record SamplingSpec(
    ResponseEncoder.Form form,
    double temperature,
    int topK,
    double topP,
    int tokensMax,
    long seed) {

  /** Temperature 1 and no cuts: what is drawn from is what the log-probabilities are under. */
  public static SamplingSpec plain(ResponseEncoder.Form form, int tokensMax, long seed) {
    return new SamplingSpec(form, 1, 0, 1, tokensMax, seed);
  }

  public SamplingSpec {
    sampling((float) temperature, topK, (float) topP, 0); // checks them
    if (tokensMax < 1) {
      throw new IllegalArgumentException(
          "tokensMax: expected at least 1 reasoning token, found " + tokensMax);
    }
  }

  private static Sampling sampling(float temperature, int topK, float topP, long seed) {
    return new Sampling(temperature, topK, topP, seed);
  }

  /** The same with other random numbers. */
  public SamplingSpec withSeed(long value) {
    return new SamplingSpec(form, temperature, topK, topP, tokensMax, value);
  }

  /** How the reasoning tokens of a path are drawn. */
  Sampling tokens(Judgment pair, int path) {
    return sampling((float) temperature, topK, (float) topP, random(pair, path).nextLong());
  }

  /**
   * The label of a path.
   *
   * @param logWeights [labels] up to a constant
   */
  int label(double[] logWeights, Judgment pair, int path) {
    int best = 0;
    for (int i = 1; i < logWeights.length; i++) {
      best = logWeights[i] > logWeights[best] ? i : best;
    }
    if (temperature == 0) {
      return best;
    }
    double[] cumulative = new double[logWeights.length];
    double sum = 0;
    for (int i = 0; i < cumulative.length; i++) {
      sum += Math.exp((logWeights[i] - logWeights[best]) / temperature);
      cumulative[i] = sum;
    }
    SplittableRandom random = random(pair, path);
    random.nextLong(); // is the seed of the tokens
    double at = random.nextDouble() * sum;
    for (int i = 0; i < cumulative.length; i++) {
      if (at < cumulative[i]) {
        return i;
      }
    }
    return best; // rounding
  }

  private SplittableRandom random(Judgment pair, int path) {
    long name = 0xCBF29CE484222325L; // FNV-1a over the id's characters
    for (int i = 0; i < pair.id().length(); i++) {
      name = (name ^ pair.id().charAt(i)) * 0x100000001B3L;
    }
    // The generator's own mixing keeps neighbouring seeds, pairs and paths apart.
    long mixed = new SplittableRandom(name ^ new SplittableRandom(seed).nextLong()).nextLong();
    return new SplittableRandom(mixed + path);
  }
}
