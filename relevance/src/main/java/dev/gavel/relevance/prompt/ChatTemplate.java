package dev.gavel.relevance.prompt;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import dev.gavel.relevance.prompt.jinja.JinjaTemplate;
import dev.gavel.relevance.prompt.jinja.TemplateException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's chat template: {@code chat_template.jinja}, else {@code chat_template} of {@code
 * tokenizer_config.json} (a text, or the one named {@code default} of several), else the plain one:
 * messages separated by a blank line.
 */
public final class ChatTemplate {
  private static final String JINJA = "chat_template.jinja";
  private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  private static final List<String> SPECIAL =
      List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token");

  private final String source; // file name, or null for the plain template
  private final String text;
  private final JinjaTemplate template;
  private final Map<String, String> special;

  private ChatTemplate(String source, String text, Map<String, String> special) {
    this.source = source;
    this.text = text;
    this.special = special;
    try {
      this.template = source == null ? null : JinjaTemplate.parse(text);
    } catch (TemplateException e) {
      throw new ModelFormatException(source, "chat template: " + e.getMessage(), e);
    }
  }

  /**
   * Finds and parses the template of a model directory.
   *
   * @throws ModelFormatException if it cannot be parsed
   */
  public static ChatTemplate open(Path directory) {
    Path config = directory.resolve(TOKENIZER_CONFIG);
    JsonObject json =
        Files.exists(config) ? JsonFile.read(config) : JsonFile.parse(TOKENIZER_CONFIG, "{}");
    Map<String, String> special = special(json);
    Path jinja = directory.resolve(JINJA);
    if (Files.exists(jinja)) {
      return new ChatTemplate(JINJA, JsonFile.readText(jinja), special);
    }
    String text = embedded(json);
    return text == null ? plain() : new ChatTemplate(TOKENIZER_CONFIG, text, special);
  }

  /** A template from its text. */
  public static ChatTemplate of(String text, Map<String, String> specialTokens) {
    return new ChatTemplate(JINJA, text, Map.copyOf(specialTokens));
  }

  /** The plain template. */
  public static ChatTemplate plain() {
    return new ChatTemplate(null, "", Map.of());
  }

  private static Map<String, String> special(JsonObject json) {
    Map<String, String> out = new HashMap<>();
    for (String key : SPECIAL) {
      JsonNode token = json.raw(key);
      if (token != null) {
        out.put(key, token.isObject() ? token.path("content").asText() : token.asText());
      }
    }
    return out;
  }

  private static String embedded(JsonObject json) {
    JsonNode value = json.raw("chat_template");
    if (value == null) {
      return null;
    }
    if (value.isTextual()) {
      return value.asText();
    }
    for (JsonObject named : json.objects("chat_template")) {
      if (named.string("name").equals("default")) {
        return named.string("template");
      }
    }
    throw json.wrong("chat_template", "one named default", "none");
  }

  /** Whether this is the plain template. */
  public boolean isPlain() {
    return template == null;
  }

  /** Where it comes from: a file name, or {@code plain}. */
  public String source() {
    return isPlain() ? "plain" : source;
  }

  /** Whether the template can be told to think or not to (Qwen3's {@code enable_thinking}). */
  public boolean knowsThinking() {
    return text.contains("enable_thinking");
  }

  /**
   * Renders a conversation up to where the assistant answers.
   *
   * @param thinking whether the answer may begin with thinking, for templates that know the
   *     difference
   * @throws TemplateException if the template refuses
   */
  public String render(List<Message> messages, boolean thinking) {
    if (isPlain()) {
      StringBuilder out = new StringBuilder();
      messages.forEach(message -> out.append(message.content()).append("\n\n"));
      return out.toString();
    }
    List<Object> list = new ArrayList<>();
    for (Message message : messages) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("role", message.role());
      map.put("content", message.content());
      list.add(map);
    }
    Map<String, Object> variables = new HashMap<>(special);
    variables.put("messages", list);
    variables.put("tools", null);
    variables.put("documents", null);
    variables.put("add_generation_prompt", true);
    variables.put("enable_thinking", thinking);
    return template.render(variables);
  }
}
