package dev.gavel.relevance.prompt;

import java.util.List;

/**
 * How a model wants to be asked; the {@code prompt} object of {@code gavel.json}. Absent texts are
 * empty, never null.
 *
 * @param chat render through the model's chat template, where it has one
 * @param system the system message
 * @param user the user message with {@code {query}} and {@code {item}} once each; whichever comes
 *     first is query-first or item-first order
 * @param attribute how an attribute follows the title, with {@code {name}} and {@code {value}};
 *     empty: attributes are not shown
 * @param description how a description follows, with {@code {description}}; empty: it is not shown
 * @param labelCue begins the answer; the label is the next thing the model writes
 * @param reasonCue label-first: follows the label and begins the reasoning
 * @param thinkInstruction think-first: ends the user message
 * @param thinkCue think-first: begins the answer
 * @param verdictCue think-first: follows the reasoning; the label is the next thing
 * @param stops texts that end the reasoning
 */
public record PromptSpec(
    boolean chat,
    String system,
    String user,
    String attribute,
    String description,
    String labelCue,
    String reasonCue,
    String thinkInstruction,
    String thinkCue,
    String verdictCue,
    List<String> stops) {
  public static final String QUERY = "{query}";
  public static final String ITEM = "{item}";

  public PromptSpec {
    stops = List.copyOf(stops);
  }
}
