package dev.gavel.relevance.prompt;

import dev.gavel.relevance.Label;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The constant tokens of an answer.
 *
 * @param labels per label its surface forms
 * @param afterLabel per label its first form followed by the cue to reason
 * @param verdictCue the cue that asks for the label after reasoning
 * @param warnings what does not fail but may make scores worse
 */
public record AnswerTokens(
    List<List<int[]>> labels, List<int[]> afterLabel, int[] verdictCue, List<String> warnings) {

  /**
   * Tokenizes and checks the answers of a prompt.
   *
   * @param tail the text that ends the label-first prompt
   * @throws dev.gavel.relevance.ModelFormatException as {@link LabelTokens#of}
   */
  public static AnswerTokens of(
      Tokenizer tokenizer, PromptSpec spec, String tail, List<Label> labels, int vocabulary) {
    List<List<int[]>> forms = LabelTokens.of(tokenizer, tail, labels, vocabulary);
    List<int[]> afterLabel = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    int[] tailTokens = tokenizer.encode(tail);
    for (int i = 0; i < labels.size(); i++) {
      Label label = labels.get(i);
      String form = label.surfaceForms().get(0);
      int[] cue = Tokens.continuation(tokenizer, tail + form, spec.reasonCue());
      afterLabel.add(Tokens.join(forms.get(i).get(0), cue));
      if (!Tokens.startsWith(tokenizer.encode(tail + form), tailTokens)) {
        warnings.add(
            "label "
                + label.name()
                + ": '"
                + form
                + "' melts into the end of the prompt;"
                + " move the white space between them into the form or out of label_cue");
      }
      int[] afterReasoning = Tokens.continuation(tokenizer, "." + spec.verdictCue(), form);
      if (forms.get(i).stream().noneMatch(tokens -> Arrays.equals(tokens, afterReasoning))) {
        warnings.add(
            "label "
                + label.name()
                + ": '"
                + form
                + "' is tokenized differently after verdict_cue"
                + " than after the prompt; think-first scores may be poor");
      }
    }
    int[] verdictCue = Tokens.continuation(tokenizer, ".", spec.verdictCue());
    return new AnswerTokens(forms, afterLabel, verdictCue, List.copyOf(warnings));
  }
}
