/**
 * Model directories: opening, verifying, loading, describing and making them.
 *
 * <p>Type flow: {@code config.json} → {@link dev.gavel.engine.ModelConfig}; {@code
 * model.safetensors} or its shards → {@link dev.gavel.relevance.model.Checkpoint} → {@link
 * dev.gavel.relevance.model.WeightLoader} → {@link dev.gavel.engine.EngineBuilder}; {@code
 * gavel.json} → {@link dev.gavel.relevance.model.Manifest}; all of it → {@link
 * dev.gavel.relevance.RelevanceModel} by {@link dev.gavel.relevance.model.ModelDirectory}. The
 * other way round, {@link dev.gavel.relevance.model.ModelShape} → {@link
 * dev.gavel.relevance.model.RandomModel} → a directory or an engine.
 *
 * <p>Nothing in a directory is trusted: every error names the file, what was expected and what was
 * found. Threads: what is open is immutable; loading uses the calling thread.
 */
package dev.gavel.relevance.model;
