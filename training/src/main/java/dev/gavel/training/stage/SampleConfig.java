package dev.gavel.training.stage;

import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.training.rollout.SamplingSpec;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.stage.StageConfig.Default;
import java.nio.file.Path;

/**
 * The configuration of {@code gavel train sample}; docs/training.md explains the keys.
 *
 * @param data judged pairs, each with a grade and an id of its own
 * @param samples responses to every pair: the N of pass@N
 * @param keep what the samples file holds of a response
 * @param threads of the engine; 0 is every core
 * @param blocks KV blocks of 16 tokens: what bounds the memory, and how many pairs run at once
 */
public record SampleConfig(
    Path model,
    Path data,
    @Default("label-first") ResponseEncoder.Form form,
    @Default("5") int samples,
    @Default("1") double temperature,
    @Default("0") int topK,
    @Default("1") double topP,
    @Default("128") int tokensMax,
    @Default("0") long seed,
    @Default("tokens") Keep keep,
    @Default("fp32") Quantization quantization,
    @Default("0") int threads,
    @Default("1024") int blocks,
    @Default("4096") int batchTokensMax) {

  /** What of a response is written. */
  public enum Keep {
    /** Text, tokens and log-probabilities. */
    TOKENS,
    /** The text. */
    TEXT
  }

  public SampleConfig {
    if (samples < 1 || threads < 0) {
      throw new IllegalArgumentException(
          "expected samples above 0 and threads of 0 or more, found " + samples + ", " + threads);
    }
    new SamplingSpec(form, temperature, topK, topP, tokensMax, seed); // checks the rest
  }

  SamplingSpec spec() {
    return new SamplingSpec(form, temperature, topK, topP, tokensMax, seed);
  }

  EngineOptions engine() {
    EngineOptions standard = EngineOptions.defaults();
    return standard
        .withQuantization(quantization)
        .withThreads(threads == 0 ? standard.threads() : threads)
        .withBlocks(blocks)
        .withBatchTokensMax(batchTokensMax);
  }
}
