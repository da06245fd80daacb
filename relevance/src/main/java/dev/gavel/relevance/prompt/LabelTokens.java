package dev.gavel.relevance.prompt;

import dev.gavel.relevance.Label;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The token sequences of labels, as they continue the prompt. */
public final class LabelTokens {
  /** Longest surface form, in tokens. */
  public static final int FORM_TOKENS_MAX = 16;

  private static final String FILE = "gavel.json";

  private LabelTokens() {}

  /**
   * Tokenizes every surface form. Of one label's forms, those that repeat or begin with another are
   * dropped: their probability is counted already.
   *
   * @param context the text right before the label
   * @param vocabulary ids must be below
   * @return per label its forms, at least one each
   * @throws ModelFormatException if a form has no tokens or an unknown one, or a form of one label
   *     begins with a form of another
   */
  public static List<List<int[]>> of(
      Tokenizer tokenizer, String context, List<Label> labels, int vocabulary) {
    List<List<int[]>> all = new ArrayList<>();
    for (Label label : labels) {
      List<int[]> forms = new ArrayList<>();
      for (String form : label.surfaceForms()) {
        int[] tokens = Tokens.continuation(tokenizer, context, form);
        check(tokenizer, label, form, tokens, vocabulary);
        forms.add(tokens);
      }
      all.add(withoutCovered(forms));
    }
    checkApart(labels, all);
    return all;
  }

  private static void check(
      Tokenizer tokenizer, Label label, String form, int[] tokens, int vocabulary) {
    String where = "label " + label.name() + ": surface form '" + form + "': ";
    if (tokens.length == 0 || tokens.length > FORM_TOKENS_MAX) {
      throw new ModelFormatException(
          FILE, where + "expected 1 to " + FORM_TOKENS_MAX + " tokens, found " + tokens.length);
    }
    for (int token : tokens) {
      if (tokenizer.isUnknown(token)) {
        throw new ModelFormatException(
            FILE, where + "expected known tokens, found the unknown token " + token);
      }
      if (token >= vocabulary) {
        throw new ModelFormatException(
            FILE, where + "expected tokens below vocab_size " + vocabulary + ", found " + token);
      }
    }
  }

  private static List<int[]> withoutCovered(List<int[]> forms) {
    List<int[]> kept = new ArrayList<>();
    for (int i = 0; i < forms.size(); i++) {
      int[] form = forms.get(i);
      boolean covered = false;
      for (int j = 0; j < forms.size(); j++) {
        int[] other = forms.get(j);
        boolean same = Arrays.equals(form, other);
        covered |= j != i && Tokens.startsWith(form, other) && (!same || j < i);
      }
      if (!covered) {
        kept.add(form);
      }
    }
    return List.copyOf(kept);
  }

  private static void checkApart(List<Label> labels, List<List<int[]>> all) {
    for (int a = 0; a < all.size(); a++) {
      for (int b = 0; b < all.size(); b++) {
        for (int[] shorter : all.get(a)) {
          for (int[] longer : all.get(b)) {
            if (a != b && Tokens.startsWith(longer, shorter)) {
              throw new ModelFormatException(
                  FILE,
                  "labels "
                      + labels.get(a).name()
                      + " and "
                      + labels.get(b).name()
                      + ": expected forms of which none begins with another's, found tokens "
                      + Arrays.toString(shorter)
                      + " and "
                      + Arrays.toString(longer));
            }
          }
        }
      }
    }
  }
}
