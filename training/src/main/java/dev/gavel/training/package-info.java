/**
 * Trains, tunes and judges the models that Gavel serves, after TaoSR1 (arXiv 2508.12365).
 *
 * <p>Rooms: {@code data} (judged pairs, splits, samplers), {@code evaluation} (metrics, the tier
 * threshold, plots), {@code loss} (objectives as pure functions of log-probabilities), {@code
 * model} (the transformer on LibTorch's autograd), {@code sft} (supervised fine-tuning).
 */
package dev.gavel.training;
