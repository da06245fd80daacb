package dev.gavel.relevance.prompt.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Renderings against those of Transformers; made by src/test/python/chat_goldens.py. */
class JinjaGoldenTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static String resource(String name) throws IOException {
    try (InputStream in = JinjaGoldenTest.class.getResourceAsStream("/chat/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** JSON as the values of a template. */
  static Object value(JsonNode node) {
    if (node.isObject()) {
      Map<String, Object> map = new java.util.LinkedHashMap<>();
      node.properties().forEach(e -> map.put(e.getKey(), value(e.getValue())));
      return map;
    } else if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(element -> list.add(value(element)));
      return list;
    } else if (node.isIntegralNumber()) {
      return node.asLong();
    } else if (node.isNumber()) {
      return node.asDouble();
    } else if (node.isBoolean()) {
      return node.asBoolean();
    }
    return node.isNull() ? null : node.asText();
  }

  @TestFactory
  List<DynamicTest> chatsRenderAsTransformersDoes() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode chat : JSON.readTree(resource("goldens.json")).get("chats")) {
      String name = chat.get("template").asText();
      JinjaTemplate template = JinjaTemplate.parse(resource(name));
      Map<String, Object> variables = new HashMap<>();
      variables.put("messages", value(chat.get("messages")));
      variables.put("enable_thinking", chat.get("thinking").asBoolean());
      variables.put("add_generation_prompt", true);
      variables.put("tools", null);
      variables.put("documents", null);
      variables.put("bos_token", "<bos>");
      variables.put("eos_token", "<eos>");
      tests.add(
          DynamicTest.dynamicTest(
              name + " " + tests.size(),
              () -> assertEquals(chat.get("text").asText(), template.render(variables))));
    }
    assertTrue(tests.size() >= 40, "goldens are there");
    return tests;
  }

  @TestFactory
  List<DynamicTest> expressionsEvaluateAsInPython() throws IOException {
    JsonNode goldens = JSON.readTree(resource("goldens.json"));
    Map<String, Object> variables = new HashMap<>();
    goldens
        .get("variables")
        .properties()
        .forEach(e -> variables.put(e.getKey(), value(e.getValue())));
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode expression : goldens.get("expressions")) {
      String source = expression.get("template").asText();
      tests.add(
          DynamicTest.dynamicTest(
              source,
              () ->
                  assertEquals(
                      expression.get("text").asText(),
                      JinjaTemplate.parse(source).render(variables))));
    }
    return tests;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "{% if x %}a # expected {% endif %}",
        "a{{ 'b # expected ' at the end of a string",
        "{{ 1 +  }} # expected an expression",
        "{{ x # expected }}",
        "{% include 'x' %} # expected if, for, set",
        "{% for x y %}{% endfor %} # expected in",
        "{% set ns.a %}{% endset %} # expected =",
        "{% endif %} # found endif",
        "{{ 'a' | nosuch }} # expected a known filter",
        "{{ 1 is nosuch }} # expected a known test",
        "{{ missing.a }} # found nothing (undefined)",
        "{{ missing() }} # missing: expected a function",
        "{{ 1 + 'a' }} # expected two numbers",
        "{{ 1 // 0 }} # found zero",
        "{{ range(10000000) }} # expected at most 100000",
        "{{ 'x' * 100000000 }} # characters of text",
        "{{ xs.append(1) }} # expected a function",
      })
  void errorsNameExpectedAndFound(String source, String message) {
    TemplateException error =
        assertThrows(
            TemplateException.class,
            () -> JinjaTemplate.parse(source).render(Map.of("xs", List.of(1L))));
    assertTrue(error.getMessage().contains(message.strip()), error.getMessage());
  }

  @Test
  void endlessTemplatesEnd() {
    String nested =
        "{% for a in r %}{% for b in r %}{% for c in r %}x{% endfor %}{% endfor %}{% endfor %}";
    JinjaTemplate template = JinjaTemplate.parse("{% set r = range(1000) %}" + nested);
    assertThrows(TemplateException.class, () -> template.render(Map.of()));
    JinjaTemplate recursive =
        JinjaTemplate.parse("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
    assertThrows(TemplateException.class, () -> recursive.render(Map.of()));
    String deep = "{{ " + "(".repeat(10_000) + "1" + ")".repeat(10_000) + " }}";
    assertThrows(TemplateException.class, () -> JinjaTemplate.parse(deep));
    String blocks = "{% if 1 %}".repeat(10_000) + "{% endif %}".repeat(10_000);
    assertThrows(TemplateException.class, () -> JinjaTemplate.parse(blocks));
    String sums = "{{ " + "1+".repeat(200_000) + "1 }}";
    assertThrows(TemplateException.class, () -> JinjaTemplate.parse(sums).render(Map.of()));
  }

  @Test
  void javaObjectsAreOutOfReach() {
    for (String source :
        List.of("{{ 'a'.getClass() }}", "{{ ''.__class__.mro() }}", "{{ xs.size() }}")) {
      JinjaTemplate template = JinjaTemplate.parse(source);
      assertThrows(TemplateException.class, () -> template.render(Map.of("xs", List.of())));
    }
  }

  @Test
  void raisedByTheTemplateIsTold() {
    JinjaTemplate template = JinjaTemplate.parse("{{ raise_exception('no system role') }}");
    TemplateException error =
        assertThrows(TemplateException.class, () -> template.render(Map.of()));
    assertTrue(error.raisedByTemplate());
    assertEquals("no system role", error.getMessage());
  }
}
