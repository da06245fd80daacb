package dev.gavel.server.results;

/**
 * What the model said of one pair. From it the answer follows: distribution, label, tier and
 * expected grade are functions of these numbers.
 *
 * @param logProbabilities [labels] as the engine computed them; not to be changed
 * @param logMass of the labels together; meaningless unless asked for
 * @param truncatedTokens the item's tokens that the model did not see
 */
public record Judgment(float[] logProbabilities, float logMass, int truncatedTokens) {}
