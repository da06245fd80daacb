package dev.gavel.relevance.prompt.jinja;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A parsed template. Immutable. */
public final class JinjaTemplate {
  private final List<Node> nodes;

  private JinjaTemplate(List<Node> nodes) {
    this.nodes = nodes;
  }

  /**
   * Parses a template.
   *
   * @throws TemplateException naming the line, what was expected and what was found
   */
  public static JinjaTemplate parse(String source) {
    return new JinjaTemplate(bounded(() -> Parser.parse(source)));
  }

  /**
   * Renders with the given variables: strings, numbers, booleans, null, and lists and maps of them.
   *
   * @throws TemplateException if the template refuses its input, uses what is not there, or does
   *     not end
   */
  public String render(Map<String, ?> variables) {
    return bounded(() -> new Interpreter(variables).render(nodes));
  }

  /** Chains of operators and values nested by a loop have no depth limit of their own. */
  private static <T> T bounded(Supplier<T> action) {
    try {
      return action.get();
    } catch (StackOverflowError e) {
      throw new TemplateException("expected less nesting, found more than the stack holds");
    }
  }
}
