package dev.gavel.relevance.model;

import dev.gavel.engine.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor that the engine needs, by its Hugging Face name.
 *
 * @param role how random weights are drawn for it
 */
record TensorSpec(String name, Role role, long... shape) {
  enum Role {
    MATRIX,
    BIAS,
    NORM
  }

  /** All tensors of a model, embedding first, then layer by layer. */
  static List<TensorSpec> of(ModelConfig config) {
    List<TensorSpec> out = new ArrayList<>();
    out.add(matrix("model.embed_tokens", config.vocabulary(), config.hidden()));
    for (int layer = 0; layer < config.layers(); layer++) {
      addAttention(out, config, "model.layers." + layer);
      addFeedForward(out, config, layer);
    }
    out.add(norm("model.norm", config.hidden()));
    if (!config.tiedEmbeddings()) {
      out.add(matrix("lm_head", config.vocabulary(), config.hidden()));
    }
    return out;
  }

  private static void addAttention(List<TensorSpec> out, ModelConfig config, String layer) {
    long queries = (long) config.heads() * config.headDim();
    long keys = (long) config.kvHeads() * config.headDim();
    String attention = layer + ".self_attn.";
    out.add(norm(layer + ".input_layernorm", config.hidden()));
    out.add(matrix(attention + "q_proj", queries, config.hidden()));
    out.add(matrix(attention + "k_proj", keys, config.hidden()));
    out.add(matrix(attention + "v_proj", keys, config.hidden()));
    out.add(matrix(attention + "o_proj", config.hidden(), queries));
    if (config.qkvBias()) {
      out.add(new TensorSpec(attention + "q_proj.bias", Role.BIAS, queries));
      out.add(new TensorSpec(attention + "k_proj.bias", Role.BIAS, keys));
      out.add(new TensorSpec(attention + "v_proj.bias", Role.BIAS, keys));
    }
    if (config.qkNorm()) {
      out.add(norm(attention + "q_norm", config.headDim()));
      out.add(norm(attention + "k_norm", config.headDim()));
    }
    out.add(norm(layer + ".post_attention_layernorm", config.hidden()));
  }

  private static void addFeedForward(List<TensorSpec> out, ModelConfig config, int layer) {
    String mlp = "model.layers." + layer + ".mlp.";
    if (!config.isSparse(layer)) {
      addGatedUnit(out, mlp, config.intermediate(), config.hidden());
      return;
    }
    out.add(matrix(mlp + "gate", config.experts(), config.hidden()));
    for (int expert = 0; expert < config.experts(); expert++) {
      String prefix = mlp + "experts." + expert + ".";
      addGatedUnit(out, prefix, config.expertIntermediate(), config.hidden());
    }
  }

  private static void addGatedUnit(List<TensorSpec> out, String prefix, long inner, long hidden) {
    out.add(matrix(prefix + "gate_proj", inner, hidden));
    out.add(matrix(prefix + "up_proj", inner, hidden));
    out.add(matrix(prefix + "down_proj", hidden, inner));
  }

  private static TensorSpec matrix(String name, long rows, long columns) {
    return new TensorSpec(name + ".weight", Role.MATRIX, rows, columns);
  }

  private static TensorSpec norm(String name, long size) {
    return new TensorSpec(name + ".weight", Role.NORM, size);
  }

  long elements() {
    return TensorInfo.elements(shape);
  }

  /** Parameters of a model of this shape. */
  static long parameters(ModelConfig config) {
    return of(config).stream().mapToLong(TensorSpec::elements).sum();
  }
}
