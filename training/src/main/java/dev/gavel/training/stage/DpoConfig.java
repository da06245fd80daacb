package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.training.dpo.DpoTrainer;
import dev.gavel.training.loss.DpoLoss;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Precision;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.stage.StageConfig.Default;
import java.nio.file.Path;

/**
 * The configuration of {@code gavel train dpo}; docs/training.md explains the keys.
 *
 * @param model that the samples are of; it is also the reference
 * @param data judged pairs; rationales are the teacher's answers
 * @param samples of {@code gavel train sample}
 * @param form as the samples were drawn
 * @param preferencesEach preferences of one pair, at most
 * @param beta strength of the tie to the reference
 * @param nllWeight of the cross-entropy on chosen responses
 * @param lengthNormalized log-ratios are means over tokens; wants a larger beta
 * @param evaluateSteps dev metrics after as many steps, and at the end; 0 is at the end only
 * @param averageCheckpoints the result is the mean of as many last checkpoints' weights
 * @param threads of LibTorch; 0 leaves it to LibTorch
 */
public record DpoConfig(
    Path model,
    Path data,
    Path samples,
    @Default("label-first") ResponseEncoder.Form form,
    @Default("1") int preferencesEach,
    @Default("0.1") double beta,
    @Default("0") double nllWeight,
    @Default("false") boolean lengthNormalized,
    @Default("1") int epochs,
    @Default("16") int batchPairs,
    @Default("4096") int microTokens,
    @Default("5e-6") double learningRate,
    @Default("0.1") double warmupShare,
    @Default("0") double endShare,
    @Default("0") double weightDecay,
    @Default("1") double clip,
    @Default("all") Gradients gradients,
    @Default("fp32") Precision precision,
    @Default("null") SftConfig.Adapters lora,
    @Default("0") long seed,
    @Default("null") Path dev,
    @Default("0") int evaluateSteps,
    @Default("200") int checkpointSteps,
    @Default("1") int averageCheckpoints,
    @Default("f32") DType dtype,
    @Default("0") int threads) {

  public DpoConfig {
    new DpoLoss(beta, nllWeight, lengthNormalized); // checks these
    require(preferencesEach > 0, "preferencesEach", "more than 0", preferencesEach);
    require(epochs > 0, "epochs", "more than 0", epochs);
    require(batchPairs > 0, "batchPairs", "more than 0", batchPairs);
    require(microTokens > 0, "microTokens", "more than 0", microTokens);
    require(learningRate > 0, "learningRate", "more than 0", learningRate);
    require(warmupShare >= 0 && warmupShare <= 1, "warmupShare", "0 to 1", warmupShare);
    require(endShare >= 0 && endShare <= 1, "endShare", "0 to 1", endShare);
    require(weightDecay >= 0, "weightDecay", "0 or more", weightDecay);
    require(clip > 0, "clip", "more than 0", clip);
    require(checkpointSteps > 0, "checkpointSteps", "more than 0", checkpointSteps);
    require(averageCheckpoints > 0, "averageCheckpoints", "more than 0", averageCheckpoints);
    require(threads >= 0, "threads", "0 or more", threads);
    require(evaluateSteps >= 0, "evaluateSteps", "0 or more", evaluateSteps);
    require(evaluateSteps == 0 || dev != null, "evaluateSteps", "0 without dev", evaluateSteps);
    // The dev set is scored where the prompt ends; think-first the label is elsewhere.
    boolean scored = form != ResponseEncoder.Form.THINK_FIRST;
    require(dev == null || scored, "dev", "none with form think-first", dev);
  }

  private static void require(boolean fine, String key, String expected, Object found) {
    if (!fine) {
      throw new IllegalArgumentException(key + ": expected " + expected + ", found " + found);
    }
  }

  DpoTrainer.Settings trainer() {
    AdamWOptimizer.Settings standard = AdamWOptimizer.Settings.DEFAULT;
    return new DpoTrainer.Settings(
        new DpoLoss(beta, nllWeight, lengthNormalized),
        epochs,
        batchPairs,
        microTokens,
        gradients,
        learningRate,
        warmupShare,
        endShare,
        new AdamWOptimizer.Settings(
            standard.beta1(), standard.beta2(), standard.epsilon(), weightDecay, clip),
        checkpointSteps,
        averageCheckpoints);
  }
}
