/**
 * Tokens in, label log-probabilities or next tokens out.
 *
 * <p>Type flow: {@link dev.gavel.engine.ModelConfig} and {@link dev.gavel.engine.EngineOptions} and
 * tensors → {@link dev.gavel.engine.EngineBuilder} → {@link dev.gavel.engine.Engine}; then, per
 * batch, {@link dev.gavel.engine.Batch} → {@link dev.gavel.engine.Engine#run} → {@link
 * dev.gavel.engine.BatchResult}. KV memory is a pool of numbered blocks in the engine; who holds
 * which block is decided above, with {@link dev.gavel.engine.KvBlocks}.
 *
 * <p>Threads: one engine, its label tables, batches and results belong to one thread at a time.
 * This package knows no gRPC, no prompt and no label name.
 */
package dev.gavel.engine;
