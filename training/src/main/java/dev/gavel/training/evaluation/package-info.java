/**
 * How good verdicts are, and which threshold tiers them best.
 *
 * <p>Type flow: judged pairs → {@link dev.gavel.training.evaluation.EngineScorer} → {@link
 * dev.gavel.training.evaluation.Scored} pairs, decided by {@link
 * dev.gavel.training.evaluation.Decision} (argmax or CumPT), make a {@link
 * dev.gavel.training.evaluation.ConfusionMatrix}, which has the metrics; {@link
 * dev.gavel.training.evaluation.Bootstrap} gives them intervals, {@link
 * dev.gavel.training.evaluation.ThresholdSweep} finds the threshold that {@link
 * dev.gavel.training.evaluation.Calibrator} writes, {@link
 * dev.gavel.training.evaluation.Evaluation} is all of it together.
 *
 * <p>Labels are indices, best grade first. Everything but scorer and calibrator is pure.
 */
package dev.gavel.training.evaluation;
