/**
 * Two models on one judged set: what changed, where, and whether it is more than chance.
 *
 * <p>Type flow: pairs with two verdicts ({@link dev.gavel.training.comparison.Pair}) → {@link
 * dev.gavel.training.comparison.Comparison}, which holds metrics side by side ({@link
 * dev.gavel.training.comparison.MetricTable}), good-same-bad over pairs and pages ({@link
 * dev.gavel.training.comparison.SideBySide}, {@link dev.gavel.training.comparison.PageTable}) and
 * the changed labels ({@link dev.gavel.training.comparison.Changes}). All of it is computed from
 * probabilities; nothing here knows a model. Intervals draw whole queries, the same for both
 * models.
 */
package dev.gavel.training.comparison;
