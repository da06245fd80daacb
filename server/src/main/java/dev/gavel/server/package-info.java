/**
 * The sidecar: one model on one device or several, behind gRPC.
 *
 * <p>Types: {@link dev.gavel.server.ServerConfig}, a {@link dev.gavel.relevance.RelevanceModel} and
 * an {@link dev.gavel.engine.Engine} a device → {@link dev.gavel.server.GavelServer}. A request's
 * story reads {@code api} → {@code scheduling} → {@code engine}; {@code results} keeps answers,
 * {@code observability} counts.
 *
 * <p>Threads: Netty's event loops move bytes, check requests and refuse; the tokenizer executor
 * renders and tokenizes; one loop per device drives the engine; the call executor answers.
 */
package dev.gavel.server;
