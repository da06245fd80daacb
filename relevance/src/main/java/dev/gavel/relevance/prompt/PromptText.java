package dev.gavel.relevance.prompt;

import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.prompt.jinja.TemplateException;
import java.util.ArrayList;
import java.util.List;

/**
 * A rendered prompt as the constant texts around its two places: {@code before}, first place,
 * {@code between}, second place, {@code after}.
 *
 * @param itemFirst whether the item takes the first place
 */
public record PromptText(String before, String between, String after, boolean itemFirst) {
  // Plain letters, so that no template escapes or trims them.
  private static final String QUERY_MARK = "QueryGoesHere7c1fa94e";
  private static final String ITEM_MARK = "ItemGoesHere52b60d3e";

  /**
   * Renders the prompt of one order once, with marks in the places, and splits it at the marks.
   *
   * @throws ModelFormatException if the user message or the chat template do not hold each place
   *     exactly once
   */
  public static PromptText render(PromptSpec spec, ChatTemplate template, Order order) {
    requireOnce(spec.user(), PromptSpec.QUERY);
    requireOnce(spec.user(), PromptSpec.ITEM);
    boolean think = order == Order.THINK_FIRST;
    String user =
        spec.user().replace(PromptSpec.QUERY, QUERY_MARK).replace(PromptSpec.ITEM, ITEM_MARK)
            + (think ? spec.thinkInstruction() : "");
    String text =
        conversation(spec, template, user, think) + (think ? spec.thinkCue() : spec.labelCue());
    requireMark(text, QUERY_MARK, template);
    requireMark(text, ITEM_MARK, template);
    int query = text.indexOf(QUERY_MARK);
    int item = text.indexOf(ITEM_MARK);
    boolean itemFirst = item < query;
    int first = Math.min(query, item);
    int second = Math.max(query, item);
    int firstEnd = first + (itemFirst ? ITEM_MARK : QUERY_MARK).length();
    int secondEnd = second + (itemFirst ? QUERY_MARK : ITEM_MARK).length();
    return new PromptText(
        text.substring(0, first),
        text.substring(firstEnd, second),
        text.substring(secondEnd),
        itemFirst);
  }

  private static String conversation(
      PromptSpec spec, ChatTemplate template, String user, boolean thinking) {
    ChatTemplate used = spec.chat() ? template : ChatTemplate.plain();
    List<Message> messages = new ArrayList<>();
    if (!spec.system().isEmpty()) {
      messages.add(new Message("system", spec.system()));
    }
    messages.add(new Message("user", user));
    try {
      try {
        return used.render(messages, thinking);
      } catch (TemplateException e) {
        if (!e.raisedByTemplate() || messages.size() == 1) {
          throw e;
        }
        // Some templates refuse the system role: the user says it then.
        Message joined = new Message("user", spec.system() + "\n\n" + user);
        return used.render(List.of(joined), thinking);
      }
    } catch (TemplateException e) {
      throw new ModelFormatException(used.source(), "chat template: " + e.getMessage(), e);
    }
  }

  private static void requireOnce(String user, String place) {
    int found = count(user, place);
    if (found != 1) {
      throw new ModelFormatException(
          "gavel.json", "prompt.user: expected " + place + " once, found it " + found + " times");
    }
  }

  private static void requireMark(String text, String mark, ChatTemplate template) {
    int found = count(text, mark);
    if (found != 1) {
      throw new ModelFormatException(
          template.source(),
          "chat template: expected the user message once and unchanged, found it "
              + found
              + " times");
    }
  }

  private static int count(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }
}
