/**
 * Measures the engine alone against what this machine can do, both in the same run.
 *
 * <p>Type flow: {@link dev.gavel.cli.bench.ScoreShape} and an engine → {@link
 * dev.gavel.cli.bench.ScoreBench} → {@link dev.gavel.cli.bench.ScoreBenchResult}, beside {@link
 * dev.gavel.cli.bench.RooflineLimit} and {@link dev.gavel.cli.bench.Ceiling}. For decoding: {@link
 * dev.gavel.cli.bench.DecodeShape} → {@link dev.gavel.cli.bench.ExplainBench} → {@link
 * dev.gavel.cli.bench.ExplainBenchResult}, beside {@link dev.gavel.cli.bench.DecodeLimit}.
 */
package dev.gavel.cli.bench;
