/**
 * Judged pairs: from files to the order in which they are trained on.
 *
 * <p>Type flow: a JSON Lines file ({@link dev.gavel.training.data.JudgmentFile}) or a published set
 * ({@link dev.gavel.training.data.WandsReader}, {@link dev.gavel.training.data.EsciReader}) →
 * {@link dev.gavel.training.data.Judgment} → {@link dev.gavel.training.data.QuerySplit} → {@link
 * dev.gavel.training.data.Sampler}, which gives indices, epoch by epoch. Whatever is random is a
 * function of a seed and an epoch, so that a run can go on exactly where it stopped.
 *
 * <p>Threads: everything here is immutable or belongs to one thread.
 */
package dev.gavel.training.data;
