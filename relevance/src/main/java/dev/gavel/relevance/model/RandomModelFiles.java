package dev.gavel.relevance.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.tokenizer.ByteAlphabet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The small files of a random model's directory. */
final class RandomModelFiles {
  private static final List<String> SPECIAL =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
  private static final Map<String, String> CLASSES =
      Map.of(
          "llama", "LlamaForCausalLM",
          "qwen2", "Qwen2ForCausalLM",
          "qwen3", "Qwen3ForCausalLM",
          "qwen3_moe", "Qwen3MoeForCausalLM");

  /**
   * Words that are one token; with a capital or a space first, so that no two get in each other's
   * way.
   */
  private static final List<String> WORDS =
      List.of(
          "Yes",
          "Mostly",
          "Partly",
          "No",
          "Query",
          "Product",
          "Does",
          "Answer",
          " the",
          " product",
          " query",
          " match",
          " how",
          " well",
          " fits",
          " search",
          " shopper",
          " or",
          " red",
          " blue",
          " shoes",
          " black",
          " running",
          " for",
          " with",
          " men",
          " women");

  private static final String TEMPLATE =
      """
      {%- for message in messages %}
      {{- '<|im_start|>' + message.role + '\\n' + message.content | trim + '<|im_end|>\\n' }}
      {%- endfor %}
      {%- if add_generation_prompt %}
      {{- '<|im_start|>assistant\\n' }}
      {%- endif %}
      """;

  private RandomModelFiles() {}

  static void write(ModelConfig config, DType dtype, Path out) throws IOException {
    Files.writeString(out.resolve("config.json"), config(config, dtype).toPrettyString() + "\n");
    Files.writeString(out.resolve("tokenizer.json"), tokenizer().toPrettyString() + "\n");
    Files.writeString(out.resolve("chat_template.jinja"), TEMPLATE);
    ObjectNode tokenizerConfig = object();
    tokenizerConfig.put("tokenizer_class", "PreTrainedTokenizerFast");
    tokenizerConfig.put("eos_token", SPECIAL.get(2));
    tokenizerConfig.put("pad_token", SPECIAL.get(0));
    tokenizerConfig.put("model_max_length", config.maxPositions());
    Files.writeString(
        out.resolve("tokenizer_config.json"), tokenizerConfig.toPrettyString() + "\n");
    ObjectNode generation = object().put("eos_token_id", 2).put("pad_token_id", 0);
    Files.writeString(out.resolve("generation_config.json"), generation.toPrettyString() + "\n");
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static ObjectNode config(ModelConfig config, DType dtype) {
    ObjectNode json = object();
    json.putArray("architectures").add(CLASSES.get(config.architecture()));
    json.put("model_type", config.architecture());
    json.put("vocab_size", config.vocabulary());
    json.put("hidden_size", config.hidden());
    json.put("num_hidden_layers", config.layers());
    json.put("num_attention_heads", config.heads());
    json.put("num_key_value_heads", config.kvHeads());
    json.put("head_dim", config.headDim());
    json.put("intermediate_size", config.intermediate());
    json.put("max_position_embeddings", config.maxPositions());
    json.put("rope_theta", config.ropeTheta());
    json.put("rms_norm_eps", config.rmsEpsilon());
    json.put("hidden_act", "silu");
    json.put("tie_word_embeddings", config.tiedEmbeddings());
    json.put("eos_token_id", 2);
    json.put("pad_token_id", 0);
    json.put("torch_dtype", dtypeName(dtype));
    if (config.experts() > 0) {
      json.put("num_experts", config.experts());
      json.put("num_experts_per_tok", config.expertsPerToken());
      json.put("moe_intermediate_size", config.expertIntermediate());
      json.put("norm_topk_prob", config.normalizeExperts());
      json.put("decoder_sparse_step", 1);
      ArrayNode dense = json.putArray("mlp_only_layers");
      config.denseLayers().stream().forEach(dense::add);
    }
    return json;
  }

  private static String dtypeName(DType dtype) {
    return switch (dtype) {
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
    };
  }

  /** A byte-level tokenizer: three special tokens, one per byte, some words. */
  private static ObjectNode tokenizer() {
    ObjectNode json = object();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    ObjectNode vocabulary = object();
    for (int id = 0; id < SPECIAL.size(); id++) {
      added
          .addObject()
          .put("id", id)
          .put("content", SPECIAL.get(id))
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
      vocabulary.put(SPECIAL.get(id), id);
    }
    for (int value = 0; value < 256; value++) {
      vocabulary.put(String.valueOf(ByteAlphabet.character(value)), SPECIAL.size() + value);
    }
    json.putNull("normalizer");
    json.set("pre_tokenizer", byteLevel().put("use_regex", true));
    json.putNull("post_processor");
    json.set("decoder", byteLevel().put("use_regex", true));
    ObjectNode model = json.putObject("model");
    model.put("type", "BPE");
    for (String key :
        List.of("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
      model.putNull(key);
    }
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    addWords(vocabulary, model.putArray("merges"));
    model.set("vocab", vocabulary);
    return json;
  }

  /** Merges each word from its beginning, letter by letter. */
  private static void addWords(ObjectNode vocabulary, ArrayNode merges) {
    for (String word : WORDS) {
      String piece = word.replace(' ', ByteAlphabet.character(' '));
      for (int end = 2; end <= piece.length(); end++) {
        String merged = piece.substring(0, end);
        if (!vocabulary.has(merged)) {
          merges.add(piece.substring(0, end - 1) + " " + piece.charAt(end - 1));
          vocabulary.put(merged, vocabulary.size());
        }
      }
    }
  }

  private static ObjectNode byteLevel() {
    return object()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true);
  }
}
