package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.RopeScaling;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.json.JsonFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigReaderTest {
  private static final String SIZES =
      "\"vocab_size\": 300, \"hidden_size\": 32, \"num_hidden_layers\": 4,"
          + " \"num_attention_heads\": 4, \"intermediate_size\": 48,"
          + " \"max_position_embeddings\": 1024";

  private static ModelConfig parse(String type, String more) {
    String json = "{\"model_type\": \"" + type + "\", " + SIZES + more + "}";
    return ConfigReader.parse(JsonFile.parse("config.json", json));
  }

  @Test
  void absentKeysHaveTransformersDefaults() {
    ModelConfig config = parse("llama", "");
    assertEquals("llama", config.architecture());
    assertEquals(4, config.kvHeads());
    assertEquals(8, config.headDim());
    assertEquals(10_000, config.ropeTheta());
    assertEquals(RopeScaling.NONE, config.ropeScaling());
    assertEquals(1e-6, config.rmsEpsilon());
    assertFalse(config.tiedEmbeddings() || config.qkvBias() || config.qkNorm());
    assertEquals(0, config.experts());
  }

  @Test
  void architecturesDifferInBiasesAndNorms() {
    assertTrue(parse("qwen2", "").qkvBias());
    assertFalse(parse("qwen2", "").qkNorm());
    assertTrue(parse("qwen3", ", \"head_dim\": 16").qkNorm());
    assertFalse(parse("qwen3", "").qkvBias());
    assertEquals(16, parse("qwen3", ", \"head_dim\": 16").headDim());
  }

  @Test
  void bothSpellingsOfRotaryPositionsAreKnown() {
    String factors =
        "\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
            + " \"original_max_position_embeddings\": 64";
    RopeScaling llama3 = new RopeScaling(RopeScaling.Kind.LLAMA3, 8, 1, 4, 64);
    ModelConfig classic =
        parse(
            "llama",
            ", \"rope_theta\": 5e5, \"rope_scaling\": {\"rope_type\": \"llama3\", "
                + factors
                + "}");
    assertEquals(llama3, classic.ropeScaling());
    assertEquals(5e5, classic.ropeTheta());
    ModelConfig recent =
        parse(
            "llama",
            ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"llama3\", "
                + factors
                + "}");
    assertEquals(classic, recent);
    assertEquals(
        new RopeScaling(RopeScaling.Kind.LINEAR, 2, 1, 1, 0),
        parse("llama", ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}").ropeScaling());
    assertEquals(
        1e6,
        parse("qwen2", ", \"rope_parameters\": {\"rope_theta\": 1e6, \"rope_type\": \"default\"}")
            .ropeTheta());
  }

  @Test
  void expertsAndDenseLayers() {
    String experts =
        ", \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 24, \"norm_topk_prob\": true";
    ModelConfig config =
        parse("qwen3_moe", ", \"num_experts\": 8, \"mlp_only_layers\": [2]" + experts);
    assertEquals(8, config.experts());
    assertEquals(2, config.expertsPerToken());
    assertEquals(24, config.expertIntermediate());
    assertTrue(config.normalizeExperts());
    assertEquals("{2}", config.denseLayers().toString());
    assertTrue(config.isSparse(0));
    assertFalse(config.isSparse(2));
    ModelConfig stepped =
        parse("qwen3_moe", ", \"num_local_experts\": 8, \"decoder_sparse_step\": 2" + experts);
    assertEquals("{0, 2}", stepped.denseLayers().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      quoteCharacter = '`',
      value = {
        "gpt2 # # model_type: expected one of [llama, qwen2, qwen3, qwen3_moe], found gpt2",
        "llama # , \"hidden_act\": \"gelu\" # hidden_act: expected silu, found gelu",
        "llama # , \"attention_bias\": true # attention_bias: expected false for llama",
        "llama # , \"mlp_bias\": true # mlp_bias: expected false for llama",
        "qwen2 # , \"use_sliding_window\": true # use_sliding_window: expected false",
        "qwen3 # , \"layer_types\": [\"sliding_attention\"] # layer_types: expected full_attention",
        "llama # , \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4} # rope_scaling.rope_type: expected default, linear or llama3, found yarn",
        "llama # , \"rope_parameters\": {\"rope_type\": \"dynamic\"} # rope_parameters.rope_type: expected default",
        "llama # , \"rope_scaling\": {\"type\": \"linear\"} # rope_scaling.factor: expected a number, found nothing",
        "llama # , \"num_key_value_heads\": 3 # num_key_value_heads: expected a divisor of 4 heads, found 3",
        "llama # , \"head_dim\": 7 # head_dim: expected an even number, found 7",
        "llama # , \"rms_norm_eps\": 0 # rms_norm_eps: expected more than 0",
        "llama # , \"rope_theta\": \"big\" # rope_theta: expected a number, found \"big\"",
        "qwen3_moe # # num_experts: expected an integer, found nothing",
        "qwen3_moe # , \"num_experts\": 4, \"num_experts_per_tok\": 5 # num_experts_per_tok: expected an integer from 1 to 4, found 5",
      })
  void whatCannotBeComputedIsAnError(String type, String more, String message) {
    ModelFormatException error =
        assertThrows(
            ModelFormatException.class, () -> parse(type.strip(), more == null ? "" : more));
    assertTrue(
        error.getMessage().startsWith("config.json: " + message.strip()), error.getMessage());
  }

  @Test
  void sizesAreRequired() {
    ModelFormatException error =
        assertThrows(
            ModelFormatException.class,
            () ->
                ConfigReader.parse(
                    JsonFile.parse(
                        "config.json", "{\"model_type\": \"llama\", \"hidden_size\": 0}")));
    assertEquals(
        "config.json: hidden_size: expected an integer from 1 to 16777216, found 0",
        error.getMessage());
  }
}
