package dev.gavel.relevance;

import java.util.List;
import java.util.Set;

/**
 * How one pair is explained, as tokens.
 *
 * <p>LABEL_FIRST: compute {@code prompt}, read the label distribution at its last token, append
 * {@code afterLabel.get(best)} and generate. THINK_FIRST: compute {@code prompt}, generate, append
 * {@code verdictCue} after the reasoning (its stop text or end token left out) and read the label
 * distribution at the cue's last token.
 *
 * @param afterLabel LABEL_FIRST: per label, the tokens of its answer and of the cue to reason
 * @param verdictCue THINK_FIRST: the tokens that ask for the label
 * @param stops texts that end the reasoning, none empty; may be empty
 * @param endTokens tokens that end the reasoning
 */
public record ExplainPlan(
    Order order,
    int[] prompt,
    int prefixTokens,
    int truncatedTokens,
    List<int[]> afterLabel,
    int[] verdictCue,
    List<String> stops,
    Set<Integer> endTokens) {}
