package dev.gavel.training.teacher.endpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Label;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.NamedText;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * What a large model is asked: the five steps, in the headings that {@link
 * dev.gavel.training.teacher.ReasoningSteps} reads back.
 *
 * @param labels best first
 * @param words the length that is asked for
 */
record TeacherPrompt(List<Label> labels, int words) {
  private static final int DESCRIPTION_CHARS = 1500;

  /** The messages for a pair. */
  ArrayNode messages(Judgment pair, OptionalInt known, List<NamedText> rules) {
    ArrayNode messages = JsonNodeFactory.instance.arrayNode();
    messages.add(message("system", system()));
    messages.add(message("user", user(pair, known, rules)));
    return messages;
  }

  private static ObjectNode message(String role, String text) {
    return JsonNodeFactory.instance.objectNode().put("role", role).put("content", text);
  }

  private String system() {
    String names = labels.stream().map(Label::name).collect(Collectors.joining(", "));
    return """
        You check how well a product fits what a shopper typed into a shop's search. Judge from \
        the given texts and rules only. Answer with exactly these five lines, plain text, at most \
        %d words in all:
        Query: the thing that is asked for, then the properties it should have
        Item: the thing that is offered
        Category: same, close, accessory or different; then why, in a few words
        Attributes: has ...; missing ...; wrong ... (leave out what does not apply)
        Decision: one of %s
        A thing made for the thing that is asked for is an accessory. Name every property that is \
        missing or other than asked."""
        .formatted(words, names);
  }

  private String user(Judgment pair, OptionalInt known, List<NamedText> rules) {
    StringBuilder out = new StringBuilder();
    if (!rules.isEmpty()) {
      out.append("Rules:\n");
      rules.forEach(rule -> out.append("- ").append(rule.text()).append('\n'));
      out.append('\n');
    }
    out.append("Search: ").append(line(pair.query()));
    String title = pair.item().title().isEmpty() ? pair.item().text() : pair.item().title();
    out.append("\nProduct: ").append(line(title));
    for (Attribute each : pair.item().attributes()) {
      out.append('\n').append(line(each.name())).append(": ").append(line(each.value()));
    }
    String description = line(pair.item().description());
    if (!description.isEmpty()) {
      int end = Math.min(description.length(), DESCRIPTION_CHARS);
      out.append("\nDescription: ").append(description, 0, end);
    }
    known.ifPresent(
        label ->
            out.append("\n\nThe judges decided: ")
                .append(labels.get(label).name())
                .append(". Write the steps that lead there."));
    return out.toString();
  }

  private static String line(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }
}
