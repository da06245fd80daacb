/**
 * Group relative policy optimization with difficulty-based dynamic sampling (TaoSR1, arXiv
 * 2508.12365, stage 3; the objective is that of Shao et al., arXiv 2402.03300).
 *
 * <p>Type flow: {@link dev.gavel.training.grpo.PairPool} gives pairs → {@link
 * dev.gavel.training.grpo.RolloutSource} answers each a group of times, {@link
 * dev.gavel.training.grpo.Sampled} → {@link dev.gavel.training.grpo.Reward} → {@link
 * dev.gavel.training.grpo.GroupCollector} keeps the groups that teach something and asks for more
 * until a batch is full → {@link dev.gavel.training.grpo.GrpoTrainer}, steps of the policy.
 *
 * <p>Everything random is a function of seed and step; all state that outlives a step is in the
 * checkpoint. Threads: one.
 */
package dev.gavel.training.grpo;
