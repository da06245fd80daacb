/**
 * The wire: gRPC services, validation, and the one table from faults to status codes.
 *
 * <p>Type flow: {@code ScoreRequest} → {@link dev.gavel.server.api.ScoreCall} (checked, looked up
 * in the {@link dev.gavel.server.results.ResultCache}, tokenized) → {@link
 * dev.gavel.server.scheduling.ScoreJob} → label log-probabilities → {@link
 * dev.gavel.relevance.LabelDistribution} → {@code ScoreResponse}; {@code ExplainRequest} → {@link
 * dev.gavel.server.api.ExplainCall} → {@link dev.gavel.server.scheduling.ExplainJob} → {@code
 * ExplainEvent}s. Every failure is a {@link dev.gavel.server.scheduling.FaultException} that {@link
 * dev.gavel.server.api.ErrorTable} turns into a status.
 *
 * <p>Threads: gRPC calls in on the network's event loops, where requests are checked and refused: a
 * refusal waits for no other thread. What takes longer goes elsewhere: rendering and tokenizing to
 * the tokenizer executor, answers to the call executor. Sinks are called by the device's loop and
 * only pass on.
 */
package dev.gavel.server.api;
