package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Golden.Prompt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * int8 against Transformers' fp64 logits: close enough that nothing is misplaced.
 *
 * <p>Bound: rounding to 127 steps of the largest value adds noise of 1/sqrt(12) step. At a ratio of
 * largest to root mean square of 4, which rotated rows stay below, that is 4 / (127 sqrt(12)) =
 * 0.9% of an operand, 1.3% of a product of two. Four products a layer and the head add up in
 * quadrature; random weights of these fixtures amplify it by up to 8 (attention is sharp where
 * weights are large). A wrong layout, sign or rotation gives an error near sqrt(2).
 */
class Int8AccuracyTest {
  private static final double PRODUCT_NOISE = 0.013;
  private static final double AMPLIFICATION = 8;

  /** Of the relative error of a fixture's logits. */
  static double bound(ModelConfig config) {
    return AMPLIFICATION * PRODUCT_NOISE * Math.sqrt(4.0 * config.layers() + 1);
  }

  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void logitsAreNear(Golden golden) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    EngineOptions options = TestOptions.blocks(16).withQuantization(Quantization.INT8);
    try (Engine engine = golden.engine(options)) {
      double error = 0;
      double size = 0;
      for (Prompt prompt : golden.prompts()) {
        batch.clear();
        batch.root(prompt.tokens());
        batch.logits();
        engine.run(batch, result);
        float[] found = result.logits(0);
        for (int i = 0; i < found.length; i++) {
          error += Math.pow(found[i] - prompt.logits()[i], 2);
          size += Math.pow(prompt.logits()[i], 2);
        }
      }
      double relative = Math.sqrt(error / size);
      double bound = bound(golden.config());
      System.out.printf("%s: int8 relative error %.4f, bound %.4f%n", golden, relative, bound);
      assertTrue(relative <= bound, () -> "expected at most " + bound + ", found " + relative);
    }
  }

  /**
   * Two channels of the residual stream are 40 times larger than all others, and the norms take
   * them back to size, as in trained models. They stay in fp32, so the others keep their accuracy;
   * rounded with them, the others would lose a factor of 40 / sqrt(32), and the bound below would
   * be missed by far.
   */
  @Test
  void loudChannelsDoNotDrownTheOthers() {
    ModelConfig config = TestConfigs.dense("loud", 200, 64, 4, 4, 2, 16, 160, false);
    Checkpoint checkpoint = Checkpoint.random(config, 11).withLoudChannels(40, 7, 50);
    int[] tokens = Numbers.randomTokens(new SplittableRandom(12), config.vocabulary(), 30);
    float[] exact = lastLogits(checkpoint, tokens, Quantization.FP32);
    float[] rounded = lastLogits(checkpoint, tokens, Quantization.INT8);
    double error = 0;
    double size = 0;
    for (int i = 0; i < exact.length; i++) {
      error += Math.pow(exact[i] - rounded[i], 2);
      size += Math.pow(exact[i], 2);
    }
    double relative = Math.sqrt(error / size);
    // As above, without the amplification: this model's weights are small.
    double bound = PRODUCT_NOISE * Math.sqrt(4.0 * config.layers() + 1);
    System.out.printf("loud channels: relative error %.4f, bound %.4f%n", relative, bound);
    assertTrue(relative <= bound, () -> "expected at most " + bound + ", found " + relative);
  }

  private static float[] lastLogits(Checkpoint checkpoint, int[] tokens, Quantization how) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = checkpoint.engine(TestOptions.blocks(16).withQuantization(how))) {
      batch.root(tokens);
      batch.logits();
      engine.run(batch, result);
      return result.logits(0);
    }
  }
}
