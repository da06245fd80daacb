/**
 * Training objectives as pure functions of per-token log-probabilities.
 *
 * <p>All sequences of a batch lie end to end in one vector [tokens], response tokens only; {@link
 * dev.gavel.training.loss.Responses} says which token is whose. Nothing here knows a model, a
 * prompt or an optimizer. Gradients flow through the policy's log-probabilities and nothing else.
 * Every loss is one number to minimize, in the type of its input.
 */
package dev.gavel.training.loss;
