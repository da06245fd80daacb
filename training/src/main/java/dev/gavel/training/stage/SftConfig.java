package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.training.data.SoftTarget;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Lora;
import dev.gavel.training.model.Precision;
import dev.gavel.training.model.Rounding;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.sft.SftTrainer;
import dev.gavel.training.stage.StageConfig.Default;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * The configuration of {@code gavel train sft}; docs/training.md explains the keys.
 *
 * @param rationaleWeight loss weight of each token of the reasoning; the label's is 1
 * @param trainable regular expression that finds the names of the weights to train; null trains all
 * @param stopSteps the run ends after as many steps, on the schedule of the whole one; 0 runs all
 * @param evaluateSteps dev metrics after as many steps, and at the end; 0 is at the end only
 * @param averageCheckpoints the result is the mean of as many last checkpoints' weights
 * @param threads of LibTorch; 0 leaves it to LibTorch
 */
public record SftConfig(
    Path model,
    List<DataFile> data,
    @Default("label-only") ResponseEncoder.Form form,
    @Default("false") boolean rationaleOptional,
    @Default("none") Balance balance,
    @Default("0") double labelSmoothing,
    @Default("1") double rationaleWeight,
    @Default("2") int epochs,
    @Default("32") int batchExamples,
    @Default("4096") int microTokens,
    @Default("1e-4") double learningRate,
    @Default("0") int stopSteps,
    @Default("0.05") double warmupShare,
    @Default("0") double endShare,
    @Default("0.01") double weightDecay,
    @Default("1") double clip,
    @Default("all") Gradients gradients,
    @Default("fp32") Precision precision,
    @Default("null") String trainable,
    @Default("null") Adapters lora,
    @Default("null") Storage rounding,
    @Default("0") long seed,
    @Default("null") Path dev,
    @Default("0") int evaluateSteps,
    @Default("200") int checkpointSteps,
    @Default("1") int averageCheckpoints,
    @Default("f32") DType dtype,
    @Default("0") int threads)
    implements TrainedConfig {

  /** How often classes are seen, or how much they count. */
  public enum Balance {
    /** As they come. */
    NONE,
    /** Every label counts by one over the square root of its frequency. */
    INVERSE_SQRT,
    /** Classes equally often: as many of each as the most frequent has. */
    OVERSAMPLE,
    /** Classes equally often: as many of each as the rarest has, others in every epoch. */
    UNDERSAMPLE
  }

  /** Where a row's target comes from. */
  public enum Kind {
    /** Its grade. */
    GRADE,
    /** Its relevance, on the file's scale. */
    SOFT,
    /** Its distribution. */
    DISTRIBUTION
  }

  /**
   * A file of judged pairs.
   *
   * @param weight loss weight of its rows
   * @param repeat how often an epoch sees each row
   * @param worst soft: the relevance that means the worst grade
   * @param best soft: the relevance that means the best grade
   */
  public record DataFile(
      Path path,
      @Default("grade") Kind kind,
      @Default("1") double weight,
      @Default("1") int repeat,
      @Default("null") Double worst,
      @Default("null") Double best) {
    public DataFile {
      if (!(weight > 0) || repeat < 1) {
        throw new IllegalArgumentException(
            "expected weight and repeat above 0, found " + weight + ", " + repeat);
      }
      boolean scaled = worst != null && best != null;
      if (kind == Kind.SOFT ? !scaled : worst != null || best != null) {
        throw new IllegalArgumentException(
            "expected worst and best with kind soft, and only there, found " + worst + ", " + best);
      }
      if (scaled && !(worst < best)) {
        throw new IllegalArgumentException("expected worst < best, found " + worst + ", " + best);
      }
    }

    SoftTarget scale(int labels) {
      return new SoftTarget(worst, best, labels);
    }
  }

  /**
   * Low-rank adapters instead of all weights.
   *
   * @param targets last parts of the names of adapted layers; none given: every linear layer
   */
  public record Adapters(
      @Default("8") int rank, @Default("16") double alpha, @Default("[]") List<String> targets) {
    public Adapters {
      new Lora(rank, alpha, Set.copyOf(targets), 0); // checks these
    }

    Lora toLora(long seed) {
      return new Lora(rank, alpha, targets.isEmpty() ? Lora.ALL_LINEAR : Set.copyOf(targets), seed);
    }
  }

  /**
   * How the layers' matrices will be stored, and are computed with from the first step.
   *
   * @param group weights of a row that share a scale
   */
  public record Storage(@Default("4") int bits, @Default("32") int group) {
    public Storage {
      new Rounding(bits, group); // checks these
    }

    Rounding toRounding() {
      return new Rounding(bits, group);
    }
  }

  public SftConfig {
    data = List.copyOf(data);
    Checks.require(!data.isEmpty(), "data", "at least one file", "none");
    Checks.require(
        labelSmoothing >= 0 && labelSmoothing < 1, "labelSmoothing", "0 to 1", labelSmoothing);
    Checks.require(rationaleWeight >= 0, "rationaleWeight", "0 or more", rationaleWeight);
    Checks.optimizer(learningRate, endShare, weightDecay, clip);
    Checks.epochs(epochs, microTokens, warmupShare);
    Checks.run(checkpointSteps, averageCheckpoints, threads);
    Checks.dev(dev, evaluateSteps);
    Checks.require(batchExamples > 0, "batchExamples", "more than 0", batchExamples);
    Checks.require(trainable == null || lora == null, "trainable", "none beside lora", trainable);
    Checks.require(rounding == null || lora == null, "rounding", "none beside lora", rounding);
    Checks.require(stopSteps >= 0, "stopSteps", "0 or more", stopSteps);
  }

  SftTrainer.Settings trainer() {
    return new SftTrainer.Settings(epochs, batchExamples, training());
  }
}
