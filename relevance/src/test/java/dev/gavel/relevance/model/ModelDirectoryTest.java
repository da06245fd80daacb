package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TestModels;
import dev.gavel.relevance.Tier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelDirectoryTest {
  @TempDir Path directory;

  @BeforeEach
  void write() {
    TestModels.random(directory, "tiny");
  }

  private void manifest(String json) {
    TestModels.put(directory, "gavel.json", json);
  }

  private void assertRefused(String message) {
    ModelFormatException error =
        assertThrows(ModelFormatException.class, () -> RelevanceModel.open(directory));
    assertTrue(error.getMessage().contains(message), error.getMessage());
  }

  @Test
  void aDirectoryWithoutManifestHasTheDefaults() throws IOException {
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals(directory.getFileName().toString(), model.name());
      assertEquals(12, model.version().length());
      assertEquals(4, model.labels().size());
      assertEquals("4-Excellent", model.labels().get(0).name());
      assertEquals(List.of(Tier.GOOD, Tier.GOOD, Tier.MID, Tier.BAD), model.tierRule().tiers());
      assertEquals(0.5, model.tierRule().threshold());
      assertEquals(Limits.DEFAULT, model.limits());
      assertEquals(Order.LABEL_FIRST, model.order());
      assertTrue(model.provenance().isEmpty() && model.golden().isEmpty());
    }
  }

  @Test
  void theDerivedVersionFollowsTheWeights() throws IOException {
    String before = version();
    assertEquals(before, version());
    Path weights = directory.resolve("model.safetensors");
    Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000));
    assertNotEquals(before, version());
  }

  private String version() {
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      return model.version();
    }
  }

  @Test
  void theManifestIsObeyed() {
    manifest(
        """
        {
          "name": "shop-judge", "version": "7",
          "prompt": {
            "system": "Rate.", "user": "{query} ~ {item}", "label_cue": "Grade: ",
            "reason_cue": "\\nWhy: ", "think_instruction": " Think.", "think_cue": "Well, ",
            "verdict_cue": "\\nGrade: ", "stops": ["###"]
          },
          "labels": [
            {"name": "yes", "grade": 1, "surface_forms": ["A", "A", "Aye", "y"], "tier": "GOOD"},
            {"name": "no", "grade": 0, "surface_forms": ["B"], "tier": "bad"}
          ],
          "tier_threshold": 0.3,
          "limits": {"items": 10, "item_tokens": 20},
          "decoding": {"temperature": 0, "top_k": 5, "top_p": 0.5},
          "order": "think-first",
          "provenance": {"base": "tiny"},
          "golden": [{"query": "q", "item": {"title": "t", "attributes": {"a": "b"}},
            "distribution": {"yes": 0.5}, "tolerance": 0.1}]
        }
        """);
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals("shop-judge", model.name());
      assertEquals("7", model.version());
      assertEquals(List.of(Tier.GOOD, Tier.BAD), model.tierRule().tiers());
      assertEquals(0.3, model.tierRule().threshold());
      assertEquals(new Limits(10, 128, 20, 512, 16), model.limits());
      assertEquals(new DecodingDefaults(0f, 5, 0.5f), model.decoding());
      assertEquals(Order.THINK_FIRST, model.order());
      assertEquals("tiny", model.provenance().get("base"));
      assertEquals(0.5, model.golden().get(0).distribution().get("yes"));
      assertEquals("b", model.golden().get(0).item().attributes().get(0).value());
      // "A" covers its repetition and "Aye".
      List<int[]> yes = model.labelTokens().get(0);
      assertEquals(2, yes.size());
      assertArrayEquals(model.tokenize("A"), yes.get(0));
      assertArrayEquals(model.tokenize("y"), yes.get(1));
      explanations(model);
    }
  }

  private static void explanations(RelevanceModel model) {
    Item item = Item.ofText("shoe");
    ExplainPlan label = model.explain("q", item, Order.LABEL_FIRST, List.of("!", "###"));
    assertEquals(
        "<|im_start|>system\nRate.<|im_end|>\n<|im_start|>user\nq ~ shoe<|im_end|>\n"
            + "<|im_start|>assistant\nGrade: ",
        model.detokenize(label.prompt()));
    assertEquals("A\nWhy: ", model.detokenize(label.afterLabel().get(0)));
    assertEquals("B\nWhy: ", model.detokenize(label.afterLabel().get(1)));
    assertEquals(List.of("###", "!"), label.stops());
    assertEquals(Set.of(2), label.endTokens());
    assertEquals(0, label.verdictCue().length);
    int[] prefix = model.encode("q", List.of()).prefix();
    assertEquals(prefix.length, label.prefixTokens());
    ExplainPlan think = model.explain("q", item, Order.THINK_FIRST, List.of());
    assertTrue(
        model
            .detokenize(think.prompt())
            .endsWith("shoe Think.<|im_end|>\n<|im_start|>assistant\nWell, "));
    assertEquals("\nGrade: ", model.detokenize(think.verdictCue()));
    assertTrue(think.afterLabel().isEmpty());
    InvalidRequestException bad =
        assertThrows(
            InvalidRequestException.class,
            () -> model.explain("q", Item.ofText(""), Order.LABEL_FIRST, List.of()));
    assertEquals("item", bad.field());
    InvalidRequestException stop =
        assertThrows(
            InvalidRequestException.class,
            () -> model.explain("q", item, Order.LABEL_FIRST, List.of("")));
    assertEquals("sampling.stop", stop.field());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '`',
      value = {
        "{\"tierthreshold\": 1} # gavel.json: tierthreshold: unknown key; expected one of [decoding",
        "{\"prompt\": {\"labelcue\": \"\"}} # prompt.labelcue: unknown key",
        "{\"limits\": {\"items\": 0}} # limits.items: expected an integer from 1 to 1000000, found 0",
        "{\"limits\": {\"items\": 1.5}} # limits.items: expected an integer from 1 to 1000000, found 1.5",
        "{\"tier_threshold\": 0} # tier_threshold: expected more than 0, at most 1, found 0.0",
        "{\"order\": \"last\"} # order: expected one of [label-first, think-first], found last",
        "{\"name\": \" \"} # name: expected text, found blank",
        "{\"name\": 3} # name: expected a string, found 3",
        "{\"decoding\": {\"temperature\": 11}} # decoding.temperature: expected 0 to 10",
        "{\"decoding\": {\"top_p\": 0}} # decoding.top_p: expected more than 0",
        "{\"prompt\": {\"user\": \"{item}\"}} # prompt.user: expected {query} once, found it 0 times",
        "{\"prompt\": {\"attribute\": \"x\"}} # prompt.attribute: expected a text with {value}",
        "{\"prompt\": {\"stops\": [\"\"]}} # prompt.stops: expected texts of at least one character",
        "{\"prompt\": {\"stops\": [1]}} # prompt.stops: expected an array of strings, found an element 1",
        "{\"labels\": []} # labels: expected at least 2, found 0",
        "{\"provenance\": {\"a\": 1}} # provenance.a: expected a string, found 1",
        "{\"golden\": [{\"query\": \"q\", \"item\": {}, \"distribution\": {\"5\": 1}}]} # golden[0].distribution.5: unknown key",
        "{\"name\": \"a\", \"name\": \"b\"} # gavel.json: expected JSON, found: Duplicate field 'name'",
        "{\"name\": \"a\"} x # gavel.json: expected JSON",
        "[] # gavel.json: expected a JSON object, found an array",
      })
  void manifestsThatAreWrongAreNamed(String json, String message) {
    manifest(json);
    assertRefused(message.strip());
  }

  @Test
  void attributesAndDescriptionAreLeftOutByEmptyTexts() {
    manifest(
        "{\"prompt\": {\"chat\": false, \"user\": \"{query}|{item}\", \"attribute\": \"\","
            + " \"description\": \"\"}}");
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      Item item =
          new Item("", "", "Red shoes", "for running", List.of(new Attribute("brand", "Acme")));
      int[] suffix = model.encode("shoes", List.of(item)).items().get(0).suffix();
      assertEquals("Red shoes", model.detokenize(suffix).strip());
    }
  }

  /** The example of docs/model-directory.md, with all known keys. */
  @Test
  void theDocumentedExampleIsValid() throws IOException {
    Path doc = Path.of(System.getProperty("basedir", ".")).resolve("../docs/model-directory.md");
    String text = Files.readString(doc);
    int begin = text.indexOf("```json") + "```json".length();
    manifest(text.substring(begin, text.indexOf("```", begin)));
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals("shop-judge", model.name());
      assertArrayEquals(model.tokenize("4"), model.labelTokens().get(0).get(0));
      assertEquals(Limits.DEFAULT, model.limits());
    }
    assertTrue(ModelDirectory.inspect(directory).warnings().isEmpty());
  }

  private void labels(String first, String second) {
    manifest("{\"labels\": [" + first + ", " + second + "]}");
  }

  private static String label(String name, int grade, String forms, String tier) {
    return String.format(
        "{\"name\": \"%s\", \"grade\": %d, \"surface_forms\": [%s], \"tier\": \"%s\"}",
        name, grade, forms, tier);
  }

  @Test
  void labelsThatCannotBeToldApartAreNamed() {
    labels(label("a", 2, "\"A\"", "GOOD"), label("b", 1, "\"A\"", "BAD"));
    assertRefused("gavel.json: labels a and b: expected forms of which none begins with another's");
    labels(label("a", 2, "\"Axe\"", "GOOD"), label("b", 1, "\"Ax\"", "BAD"));
    assertRefused("labels b and a: expected forms of which none begins");
    labels(label("a", 2, "\"\"", "GOOD"), label("b", 1, "\"B\"", "BAD"));
    assertRefused("labels[0].surface_forms: expected at least one text, none empty");
    labels(label("a", 2, "", "GOOD"), label("b", 1, "\"B\"", "BAD"));
    assertRefused("labels[0].surface_forms: expected at least one text");
    labels(label("a", 2, "\"" + "x".repeat(17) + "\"", "GOOD"), label("b", 1, "\"B\"", "BAD"));
    assertRefused("label a: surface form 'xxxxxxxxxxxxxxxxx': expected 1 to 16 tokens, found 17");
    labels(label("a", 2, "\"A\"", "GOOD"), label("a", 1, "\"B\"", "BAD"));
    assertRefused("labels[1].name: expected a name of its own, found a twice");
    labels(label("a", 1, "\"A\"", "GOOD"), label("b", 2, "\"B\"", "BAD"));
    assertRefused("labels[1].grade: expected less than 1.0 (best first), found 2.0");
    labels(label("a", 2, "\"A\"", "BAD"), label("b", 1, "\"B\"", "GOOD"));
    assertRefused("labels[1].tier: expected BAD or worse (best first), found GOOD");
    labels(label("a", 2, "\"A\"", "GREAT"), label("b", 1, "\"B\"", "GOOD"));
    assertRefused("labels[0].tier: expected one of [GOOD, MID, BAD], found GREAT");
  }

  /** A vocabulary without a byte has no token for a label that needs it. */
  @Test
  void labelsOutsideTheVocabularyAreNamed() {
    TestModels.edit(
        directory, "tokenizer.json", "\"unk_token\" : null", "\"unk_token\" : \"\u0100\"");
    TestModels.edit(directory, "tokenizer.json", "\"#\" : 38,", "\"\u02ff\" : 38,");
    labels(label("a", 2, "\"#\"", "GOOD"), label("b", 1, "\"B\"", "BAD"));
    assertRefused("label a: surface form '#': expected known tokens, found the unknown token 3");
  }

  @Test
  void filesThatAreMissingOrBrokenAreNamed() throws IOException {
    TestModels.edit(directory, "config.json", "\"vocab_size\" : 512", "\"vocab_size\" : 100");
    assertRefused("tensor model.embed_tokens.weight: expected shape [100, 64]");
    TestModels.edit(directory, "config.json", "\"vocab_size\" : 100", "\"vocab_size\" : 512,,");
    assertRefused("config.json: expected JSON, found:");
    TestModels.put(directory, "config.json", "");
    assertRefused("config.json: expected a JSON object, found nothing");
    Files.delete(directory.resolve("config.json"));
    assertRefused("config.json: expected in");
    TestModels.random(directory, "tiny");
    TestModels.put(directory, "chat_template.jinja", "{% if %}");
    assertRefused("chat_template.jinja: chat template: line 1: expected an expression");
    TestModels.random(directory, "tiny");
    TestModels.put(directory, "generation_config.json", "{\"eos_token_id\": \"end\"}");
    assertRefused("generation_config.json: eos_token_id: expected a token id");
    TestModels.random(directory, "tiny");
    Files.write(directory.resolve("tokenizer.json"), new byte[] {(byte) 0xFF});
    assertRefused("tokenizer.json: expected UTF-8 text");
    Files.delete(directory.resolve("tokenizer.json"));
    assertRefused("tokenizer.json: expected in");
    directory = directory.resolve("nowhere");
    assertRefused("expected a model directory, found nothing");
  }

  @Test
  void tokenizersLargerThanTheModelAreRefused() throws IOException {
    RandomModel.write(
        TestModels.tinyWithVocabulary(260), directory, 1, dev.gavel.engine.DType.BF16);
    assertRefused("tokenizer.json: expected token ids below vocab_size 260 (config.json), found");
  }

  @Test
  void contextsTooSmallForThePromptAreRefused() {
    TestModels.edit(
        directory,
        "config.json",
        "\"max_position_embeddings\" : 2048",
        "\"max_position_embeddings\" : 64");
    assertRefused("config.json: max_position_embeddings: expected room for a prompt of");
  }

  @Test
  void endTokensComeFromAllFiles() {
    TestModels.put(directory, "generation_config.json", "{\"eos_token_id\": [0, 5]}");
    TestModels.edit(directory, "config.json", "\"eos_token_id\" : 2", "\"eos_token_id\" : 7");
    TestModels.put(
        directory, "tokenizer_config.json", "{\"eos_token\": {\"content\": \"<|im_end|>\"}}");
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals(
          Set.of(0, 2, 5, 7),
          model.explain("q", Item.ofText("x"), Order.LABEL_FIRST, List.of()).endTokens());
    }
  }

  @Test
  void samplingComesFromTheGenerationConfig() {
    TestModels.put(
        directory,
        "generation_config.json",
        "{\"do_sample\": true, \"temperature\": 0.6, \"top_k\": 20, \"eos_token_id\": 2}");
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals(new DecodingDefaults(0.6f, 20, 0.95f), model.decoding());
    }
  }

  @Test
  void templatesOfTheTokenizerConfigAreUsed() throws IOException {
    Files.delete(directory.resolve("chat_template.jinja"));
    TestModels.put(
        directory,
        "tokenizer_config.json",
        "{\"bos_token\": \"<|im_start|>\", \"chat_template\": [{\"name\": \"other\", \"template\": \"\"},"
            + " {\"name\": \"default\", \"template\":"
            + " \"{{ bos_token }}{{ messages[-1].content }}{{ enable_thinking }}\"}]}");
    try (OpenModel model = ModelDirectory.openModel(directory)) {
      int[] prefix = model.encode("q", List.of()).prefix();
      assertTrue(model.detokenize(prefix).startsWith("<|im_start|>Query: q\n"));
      // A template that knows thinking is told not to, and think-first opens it.
      ExplainPlan think = model.explain("q", Item.ofText("x"), Order.THINK_FIRST, List.of());
      assertTrue(model.detokenize(think.prompt()).endsWith("True<think>\n"));
      assertEquals("\n</think>\n\n", model.detokenize(think.verdictCue()));
      assertEquals(List.of("</think>"), think.stops());
    }
  }

  @Test
  void inspectionSaysWhatIsThere() {
    ModelInspection inspection = ModelDirectory.inspect(directory);
    assertFalse(inspection.manifest());
    assertEquals(106_816, inspection.parameters());
    assertTrue(inspection.samplePrompt().contains("Product:\u2016 Mens"));
    assertTrue(inspection.warnings().isEmpty(), inspection.warnings().toString());
    String text = inspection.toText();
    assertTrue(text.contains("4-Excellent (grade 4.0, GOOD): 'Yes' -> ["), text);
    manifest(
        "{\"prompt\": {\"user\": \"{query} {item}\", \"label_cue\": \"The\"}, \"limits\": {\"item_tokens\": 5000}}");
    assertTrue(
        ModelDirectory.inspect(directory).warnings().stream().anyMatch(w -> w.contains("limits.")));
  }

  @Test
  void modelsServeManyThreads() {
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      java.util.stream.IntStream.range(0, 200)
          .parallel()
          .forEach(
              i -> {
                String query = "query " + i;
                var encoded = model.encode(query, List.of(Item.ofText("item " + i)));
                String text =
                    model.detokenize(encoded.prefix())
                        + model.detokenize(encoded.items().get(0).suffix());
                assertTrue(text.contains(query) && text.contains("item " + i));
              });
    }
  }
}
