/**
 * Responses sampled from the model that is being trained, on the engine.
 *
 * <p>Type flow: {@link dev.gavel.training.model.CausalLm} → {@link
 * dev.gavel.training.rollout.PolicyEngine#push}; judged pairs and a {@link
 * dev.gavel.training.rollout.SamplingSpec} → {@link dev.gavel.training.rollout.Rollout}s, whose
 * log-probabilities are those that the trainer's model computes for the same tokens.
 *
 * <p>Inside, every pair is a {@code PairRun} (its prompt, computed once) with a {@code Path} per
 * response; a {@code SampleLoop} puts one step of every live path and the prompts of as many new
 * pairs as there is memory for into each batch. One thread.
 */
package dev.gavel.training.rollout;
