package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Golden.Prompt;
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
      double bound = AMPLIFICATION * PRODUCT_NOISE * Math.sqrt(4.0 * golden.config().layers() + 1);
      System.out.printf("%s: int8 relative error %.4f, bound %.4f%n", golden, relative, bound);
      assertTrue(relative <= bound, () -> "expected at most " + bound + ", found " + relative);
    }
  }
}
