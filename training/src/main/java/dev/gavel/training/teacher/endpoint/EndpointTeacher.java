package dev.gavel.training.teacher.endpoint;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.NamedText;
import dev.gavel.training.teacher.ConclusionParser;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.Teacher;
import dev.gavel.training.teacher.TeacherException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A large model that is asked for the five steps, with the rules that fit the pair. */
public final class EndpointTeacher implements Teacher {
  /** What reasoning models think aloud before they answer. */
  private static final Pattern THOUGHT = Pattern.compile("(?s)\\A\\s*<think>.*?</think>");

  /** Marks of lists and of bold text. */
  private static final Pattern MARKS = Pattern.compile("^(?:[-*#>]+|\\d+[.)])\\s+|\\*\\*");

  /**
   * What a pair's request holds.
   *
   * @param rules retrieved for a pair, beside the general ones
   * @param words the length that is asked for
   */
  public record Request(int rules, int words) {
    public Request {
      if (rules < 0 || words < 1) {
        throw new IllegalArgumentException(
            "rules, words: expected 0 or more, 1 or more, found " + rules + ", " + words);
      }
    }
  }

  private final Request request;
  private final RuleIndex rules;
  private final TeacherPrompt prompt;
  private final ChatClient client;
  private final ConclusionParser conclusions;

  public EndpointTeacher(
      EndpointOptions options,
      Request request,
      List<NamedText> rules,
      List<Label> labels,
      Budget budget) {
    this(request, new RuleIndex(rules), labels, new ChatClient(options, budget));
  }

  EndpointTeacher(Request request, RuleIndex rules, List<Label> labels, ChatClient client) {
    this.request = request;
    this.rules = rules;
    this.prompt = new TeacherPrompt(List.copyOf(labels), request.words());
    this.client = client;
    this.conclusions = new ConclusionParser(labels);
  }

  @Override
  public String name() {
    return "endpoint";
  }

  @Override
  public int parallel() {
    return client.options().parallel();
  }

  /** Pairs whose answer came from the cache. */
  public int cached() {
    return client.cached();
  }

  @Override
  public Optional<Lesson> teach(Judgment pair, OptionalInt known) throws InterruptedException {
    String title = pair.item().title().isEmpty() ? pair.item().text() : pair.item().title();
    List<NamedText> fitting = rules.find(pair.query(), title, request.rules());
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.set("messages", prompt.messages(pair, known, fitting));
    body.put("temperature", client.options().temperature());
    body.put("max_tokens", client.options().answerTokensMax());
    return Optional.of(lesson(client.ask(body)));
  }

  private Lesson lesson(String answer) {
    String said = THOUGHT.matcher(answer).replaceFirst("").strip();
    OptionalInt label = conclusions.parse(said);
    if (label.isEmpty()) {
      throw new TeacherException(
          client.options().url() + ": expected an answer that ends with a decision, found " + said);
    }
    return new Lesson(oneLine(said), label);
  }

  /** The steps as the evidence teacher writes them: behind each other, each with a full stop. */
  private static String oneLine(String text) {
    return text.lines()
        .map(line -> MARKS.matcher(line.strip()).replaceAll("").strip())
        .filter(line -> !line.isEmpty())
        .map(line -> line.matches(".*[.!?]") ? line : line + ".")
        .collect(Collectors.joining(" "));
  }

  @Override
  public void close() {
    rules.close();
  }
}
