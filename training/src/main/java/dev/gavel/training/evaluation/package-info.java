/**
 * How good verdicts are, and which threshold tiers them best.
 *
 * <p>Type flow: {@link dev.gavel.training.evaluation.Scored} pairs, decided by {@link
 * dev.gavel.training.evaluation.Decision} (argmax or CumPT), make a {@link
 * dev.gavel.training.evaluation.ConfusionMatrix}, which has the metrics; {@link
 * dev.gavel.training.evaluation.Bootstrap} gives them intervals, {@link
 * dev.gavel.training.evaluation.ThresholdSweep} finds the threshold, {@link
 * dev.gavel.training.evaluation.Evaluation} is all of it together.
 *
 * <p>Labels are indices, best grade first. Everything is pure and immutable.
 */
package dev.gavel.training.evaluation;
