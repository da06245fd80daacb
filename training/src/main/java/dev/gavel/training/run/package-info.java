/**
 * What every training stage needs around its loss: optimizer and schedule, the plan of its batches,
 * the directory of a run with its metrics and checkpoints.
 *
 * <p>Type flow: examples by length → {@link dev.gavel.training.run.BatchPlan}; gradients → {@link
 * dev.gavel.training.run.AdamWOptimizer} at the rate of {@link dev.gavel.training.run.Schedule};
 * each step → {@link dev.gavel.training.run.StepMetrics} → {@link
 * dev.gavel.training.run.RunDirectory}.
 *
 * <p>Everything random is a function of seed and step, and a checkpoint holds all state, so a run
 * that was stopped goes on as if it had not been. Threads: one.
 */
package dev.gavel.training.run;
