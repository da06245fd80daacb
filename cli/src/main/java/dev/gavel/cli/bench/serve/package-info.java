/**
 * Load on a whole server, and what it does to the callers.
 *
 * <p>Type flow: {@link dev.gavel.cli.bench.serve.RequestShape} → {@link
 * dev.gavel.cli.bench.serve.RequestMaker} → messages; {@link dev.gavel.cli.bench.serve.Phase} →
 * {@link dev.gavel.cli.bench.serve.LoadGenerator} → {@link dev.gavel.cli.bench.serve.Tally} →
 * {@link dev.gavel.cli.bench.serve.ServeBenchResult}.
 *
 * <p>Threads: one sends, by the clock; the channel's threads take the answers.
 */
package dev.gavel.cli.bench.serve;
