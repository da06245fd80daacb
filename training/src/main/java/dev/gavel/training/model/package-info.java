/**
 * The transformer that is trained: the engine's architectures, written plainly with LibTorch's
 * differentiable operations.
 *
 * <p>Type flow: a directory → {@link dev.gavel.training.model.Parameters} → {@link
 * dev.gavel.training.model.CausalLm}; token sequences → {@link
 * dev.gavel.training.model.PackedBatch} → log-probabilities of its targets. {@link
 * dev.gavel.training.model.Lora} adds adapters and merges them; {@link
 * dev.gavel.training.model.ModelWriter} writes a directory that the server opens.
 *
 * <p>Memory and threads: see {@link dev.gavel.training.torch}. A model belongs to one thread.
 */
package dev.gavel.training.model;
