/**
 * Judgments that were made once and are given again.
 *
 * <p>Type flow: query and {@link dev.gavel.relevance.Item} → {@link
 * dev.gavel.server.results.ResultKey} → {@link dev.gavel.server.results.Judgment}, in the one
 * {@link dev.gavel.server.results.ResultCache} of a server.
 *
 * <p>Threads: any. This package knows no gRPC.
 */
package dev.gavel.server.results;
