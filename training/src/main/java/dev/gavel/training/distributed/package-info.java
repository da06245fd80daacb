/**
 * Data-parallel training: PyTorch's c10d over Gloo, between processes on one machine or many.
 *
 * <p>{@link dev.gavel.training.distributed.WorkerSpec} (from torchrun's environment) → {@link
 * dev.gavel.training.distributed.GlooExchange}, a {@link dev.gavel.training.run.GradientExchange}.
 * Every worker runs the same program on the same files; worker 0 alone writes.
 *
 * <p>Threads: one per worker; Gloo has its own.
 */
package dev.gavel.training.distributed;
