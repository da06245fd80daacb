package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.server.ServerConfig;
import dev.gavel.training.stage.CalibrateConfig;
import dev.gavel.training.stage.DpoConfig;
import dev.gavel.training.stage.GrpoConfig;
import dev.gavel.training.stage.SampleConfig;
import dev.gavel.training.stage.SftConfig;
import dev.gavel.training.stage.StageConfig;
import dev.gavel.training.stage.TeachConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documents say about names, defaults and files holds. */
class DocsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Pattern CONFIG_ROW = Pattern.compile("\\| `([\\w.]+)` \\| (\\S+) \\|.*");
  private static final Pattern STAGE_ROW =
      Pattern.compile("\\| `([\\w.\\[\\]]+)` \\| (\\S+) \\|.*");
  private static final Map<String, String> DEFAULT_WORDS =
      Map.of("", "needed", "null", "none", "[]", "empty");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(#[^)]*)?\\)");

  @Test
  void everyConfigurationKeyIsDocumentedWithItsDefault() throws IOException {
    Map<String, String> expected = new TreeMap<>();
    flatten("", new JsonMapper().valueToTree(ServerConfig.defaults()), expected);
    Map<String, String> documented = new TreeMap<>();
    for (String line : Files.readAllLines(ROOT.resolve("docs/operations.md"))) {
      Matcher row = CONFIG_ROW.matcher(line);
      if (row.matches() && !row.group(1).startsWith("GAVEL_")) {
        String value = row.group(2).replace("`", "");
        documented.put(row.group(1), value.equals("empty") ? "" : value);
      }
    }
    assertEquals(expected, documented);
  }

  @ParameterizedTest
  @MethodSource("stages")
  void everyKeyOfAStageIsDocumentedWithItsDefault(String stage, Class<? extends Record> config)
      throws IOException {
    Map<String, String> expected = new TreeMap<>();
    StageConfig.keys(config)
        .forEach(
            (key, value) -> {
              if (!value.equals("{}")) { // its parts are keys of their own
                expected.put(key, DEFAULT_WORDS.getOrDefault(value, value));
              }
            });
    Map<String, String> documented = new TreeMap<>();
    boolean within = false;
    List<String> lines = new ArrayList<>(Files.readAllLines(ROOT.resolve("docs/training.md")));
    lines.addAll(Files.readAllLines(ROOT.resolve("docs/training-teachers.md")));
    for (String line : lines) {
      if (line.startsWith("## ")) {
        within = line.equals("## `gavel train " + stage + "`");
      }
      Matcher row = STAGE_ROW.matcher(line);
      if (within && row.matches()) {
        documented.put(row.group(1), row.group(2).replace("`", ""));
      }
    }
    assertEquals(expected, documented);
  }

  static Stream<Arguments> stages() {
    return Stream.of(
        arguments("teach", TeachConfig.class),
        arguments("sft", SftConfig.class),
        arguments("sample", SampleConfig.class),
        arguments("dpo", DpoConfig.class),
        arguments("grpo", GrpoConfig.class),
        arguments("calibrate", CalibrateConfig.class));
  }

  private static void flatten(String prefix, JsonNode node, Map<String, String> into) {
    node.properties()
        .forEach(
            entry -> {
              String key = prefix + entry.getKey();
              if (entry.getValue().isObject()) {
                flatten(key + ".", entry.getValue(), into);
              } else {
                into.put(key, entry.getValue().asText());
              }
            });
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"));
        Stream<Path> top = Files.list(ROOT)) {
      for (Path file :
          Stream.concat(docs, top).filter(f -> f.toString().endsWith(".md")).toList()) {
        Matcher link = LINK.matcher(Files.readString(file));
        while (link.find()) {
          Path target = file.getParent().resolve(link.group(1));
          assertTrue(Files.exists(target), file + " -> " + link.group(1));
        }
      }
    }
  }
}
