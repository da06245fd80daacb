package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.GoldenCase;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.TestModels;
import dev.gavel.relevance.Tier;
import dev.gavel.relevance.prompt.PromptSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestWriterTest {
  @TempDir Path directory;

  @BeforeEach
  void write() {
    TestModels.random(directory, "tiny");
  }

  /** Nothing as the defaults have it. */
  private static Manifest unusual() {
    Item item = new Item("", "", "Vase “Mo\u0301lk”", "a\nb", List.of(new Attribute("für", "x=y")));
    return new Manifest(
        "shop-judge",
        "7",
        new PromptSpec(
            false,
            "S",
            "{item} ~ {query}",
            "",
            "; {description}",
            "Grade: ",
            "\nWhy:",
            " Think.",
            "Well, ",
            "\nSo: ",
            List.of("###", "\n\n")),
        List.of(
            new Label("yes", 1.5, List.of("A", " é"), Tier.GOOD),
            new Label("hm", 1, List.of("C"), Tier.MID),
            new Label("no", -2, List.of("B"), Tier.MID)),
        1 / 3.0,
        new Limits(1, 2, 3, 4, 5),
        new DecodingDefaults(.1f, 7, .3f),
        Order.THINK_FIRST,
        Map.of("base", "tiny", "data", "\"our own\""),
        List.of(
            new GoldenCase("q", item, Map.of("yes", .25, "no", .75), .5),
            new GoldenCase("q2", Item.ofText("t"), Map.of("yes", 1.0), .125)));
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    ManifestWriter.write(unusual(), directory);
    assertEquals(unusual(), ModelDirectory.manifest(directory));
  }

  @Test
  void theDefaultsAreWrittenWhole() throws IOException {
    Manifest defaults = ModelDirectory.manifest(directory);
    ManifestWriter.write(defaults, directory);
    assertEquals(defaults, ModelDirectory.manifest(directory));
    JsonNode written = new JsonMapper().readTree(directory.resolve(Manifest.FILE).toFile());
    assertEquals(ManifestWriter.toJson(defaults).toString(), written.toString());
    assertEquals("4", written.at("/labels/0/grade").toString());
  }

  @Test
  void newWeightsKeepTheWordsOnly() {
    Manifest now = unusual().forNewWeights("run 3", Map.of("sft", "on x"));
    assertEquals(unusual().prompt(), now.prompt());
    assertEquals(unusual().tierThreshold(), now.tierThreshold());
    assertEquals("shop-judge", now.name());
    Manifest nameless = ModelDirectory.manifest(directory);
    assertEquals("run 3", nameless.forNewWeights("run 3", Map.of()).name());
    assertEquals(null, now.version());
    assertEquals(List.of(), now.golden());
    assertEquals(Map.of("base", "tiny", "data", "\"our own\"", "sft", "on x"), now.provenance());
    assertEquals(.75, now.withTierThreshold(.75).tierThreshold());
  }

  @Test
  void attributesThatCannotBeWrittenAreNamed() {
    Item twice =
        new Item("", "", "t", "", List.of(new Attribute("a", "1"), new Attribute("a", "2")));
    Manifest manifest = unusual();
    Manifest bad =
        new Manifest(
            manifest.name(),
            manifest.version(),
            manifest.prompt(),
            manifest.labels(),
            .5,
            manifest.limits(),
            manifest.decoding(),
            manifest.order(),
            Map.of(),
            List.of(new GoldenCase("q", twice, Map.of("yes", 1.0), .5)));
    assertEquals(
        "golden item: expected each attribute once, found a again",
        assertThrows(IllegalArgumentException.class, () -> ManifestWriter.toJson(bad))
            .getMessage());
  }
}
