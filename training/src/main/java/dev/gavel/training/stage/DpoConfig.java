package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.training.dpo.DpoTrainer;
import dev.gavel.training.loss.DpoLoss;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Precision;
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
    @Default("0") int threads)
    implements TrainedConfig {

  public DpoConfig {
    new DpoLoss(beta, nllWeight, lengthNormalized); // checks these
    Checks.require(preferencesEach > 0, "preferencesEach", "more than 0", preferencesEach);
    Checks.optimizer(learningRate, endShare, weightDecay, clip);
    Checks.epochs(epochs, microTokens, warmupShare);
    Checks.run(checkpointSteps, averageCheckpoints, threads);
    Checks.dev(dev, evaluateSteps, form);
    Checks.require(batchPairs > 0, "batchPairs", "more than 0", batchPairs);
  }

  DpoTrainer.Settings trainer() {
    return new DpoTrainer.Settings(
        new DpoLoss(beta, nllWeight, lengthNormalized), epochs, batchPairs, training());
  }
}
