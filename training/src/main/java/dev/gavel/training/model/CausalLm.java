package dev.gavel.training.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A decoder-only transformer with RMSNorm, rotary positions, grouped-query attention and SwiGLU:
 * Llama, Qwen2, Qwen3 and Qwen3-MoE by {@link ModelConfig}. Batches are packed: every row is a
 * token, and attention runs within each sequence.
 */
public final class CausalLm implements AutoCloseable {
  private final ModelConfig config;
  private final Parameters parameters;
  private final Rope rope;
  private final Experts experts;
  private Lora lora;

  CausalLm(ModelConfig config, Parameters parameters) {
    this.config = config;
    this.parameters = parameters;
    this.rope = new Rope(config);
    this.experts = new Experts(config, this::gatedUnit);
  }

  /**
   * Loads a Hugging Face directory into fp32.
   *
   * @throws dev.gavel.relevance.ModelFormatException naming the file, what was expected and found
   */
  public static CausalLm load(Path directory) {
    return load(directory, ScalarType.Float);
  }

  /** The same in another type; fp64 makes an oracle. */
  public static CausalLm load(Path directory, ScalarType type) {
    Weights weights = Weights.open(directory);
    return new CausalLm(weights.config(), Parameters.load(weights, type));
  }

  public ModelConfig config() {
    return config;
  }

  /** Weights by Hugging Face names, adapters included. */
  public Parameters parameters() {
    return parameters;
  }

  /** Freezes the weights and adds adapters to be trained instead. */
  public void add(Lora adapters) {
    if (lora != null) {
      throw new IllegalStateException("adapters: expected to be added once");
    }
    adapters.attach(parameters);
    lora = adapters;
  }

  /** The adapters, or null. */
  Lora lora() {
    return lora;
  }

  /** Logits at every row: [tokens, vocabulary]. */
  public Tensor logits(PackedBatch batch) {
    return head(hidden(batch));
  }

  /**
   * Log-probabilities of the batch's targets: [targets]. Only their rows pass the head.
   *
   * <p>The result carries the graph of the whole model; see {@link Gradients} for less memory.
   */
  public Tensor logProbs(PackedBatch batch) {
    return targetLogProbs(hidden(batch), batch);
  }

  /** The head's part of {@link #logProbs}. */
  Tensor targetLogProbs(Tensor hidden, PackedBatch batch) {
    Tensor rows = hidden.index_select(0, Torch.indices(batch.rows()));
    Tensor all = head(rows).log_softmax(1);
    return all.gather(1, Torch.indices(batch.targets()).unsqueeze(1)).squeeze(1);
  }

  /** {@link #logProbs} as numbers, without a graph. */
  public double[] score(PackedBatch batch) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      return Torch.doubles(logProbs(batch));
    }
  }

  private Tensor hidden(PackedBatch batch) {
    Rope.Angles angles = angles(batch);
    Tensor x = embed(batch);
    for (int layer = 0; layer < config.layers(); layer++) {
      x = layer(layer, x, batch, angles);
    }
    return x;
  }

  Rope.Angles angles(PackedBatch batch) {
    return rope.angles(batch.positions(), parameters.get("model.embed_tokens.weight"));
  }

  /** [tokens, hidden] */
  Tensor embed(PackedBatch batch) {
    Tensor table = parameters.get("model.embed_tokens.weight");
    return torch.embedding(table, Torch.indices(batch.tokens()));
  }

  /** The last norm and the logits of rows [rows, hidden]: [rows, vocabulary]. */
  private Tensor head(Tensor x) {
    Tensor normed = norm("model.norm", x);
    String name = config.tiedEmbeddings() ? "model.embed_tokens" : "lm_head";
    return torch.linear(normed, parameters.get(name + ".weight"));
  }

  /** One layer: [tokens, hidden] to the same. */
  Tensor layer(int layer, Tensor x, PackedBatch batch, Rope.Angles angles) {
    String name = "model.layers." + layer;
    Tensor attended = attention(name, norm(name + ".input_layernorm", x), batch, angles);
    Tensor middle = x.add(attended);
    Tensor normed = norm(name + ".post_attention_layernorm", middle);
    return middle.add(feedForward(layer, name + ".mlp", normed));
  }

  private Tensor norm(String name, Tensor x) {
    Tensor weight = parameters.get(name + ".weight");
    return torch.rms_norm(
        x,
        new long[] {weight.size(0)},
        new TensorOptional(weight),
        new DoubleOptional(config.rmsEpsilon()));
  }

  /** x W' + b, with the adapter of that name where there is one. */
  private Tensor linear(String name, Tensor x) {
    Tensor weight = parameters.get(name + ".weight");
    Tensor plain =
        parameters.has(name + ".bias")
            ? torch.linear(x, weight, new TensorOptional(parameters.get(name + ".bias")))
            : torch.linear(x, weight);
    return lora == null ? plain : lora.apply(name, x, plain, parameters);
  }

  private Tensor attention(String layer, Tensor x, PackedBatch batch, Rope.Angles angles) {
    String name = layer + ".self_attn.";
    Tensor q = heads(linear(name + "q_proj", x), config.heads());
    Tensor k = heads(linear(name + "k_proj", x), config.kvHeads());
    Tensor v = heads(linear(name + "v_proj", x), config.kvHeads());
    if (config.qkNorm()) {
      q = norm(name + "q_norm", q);
      k = norm(name + "k_norm", k);
    }
    Tensor mixed = withinSequences(angles.rotate(q), angles.rotate(k), v, batch);
    return linear(name + "o_proj", mixed);
  }

  /** [tokens, heads * headDim] to [tokens, heads, headDim]. */
  private Tensor heads(Tensor x, int heads) {
    return x.view(x.size(0), heads, config.headDim());
  }

  /** Causal attention of each sequence over itself: [tokens, heads * headDim]. */
  private Tensor withinSequences(Tensor q, Tensor k, Tensor v, PackedBatch batch) {
    UnaryOperator<Tensor> byHead = x -> x.transpose(0, 1).unsqueeze(0); // [1, heads, rows, dim]
    List<Tensor> parts = new ArrayList<>();
    for (int i = 0; i < batch.sequences(); i++) {
      long from = batch.offsets()[i];
      long rows = batch.length(i);
      Tensor mixed =
          torch.scaled_dot_product_attention(
              byHead.apply(q.narrow(0, from, rows)),
              byHead.apply(k.narrow(0, from, rows)),
              byHead.apply(v.narrow(0, from, rows)),
              new TensorOptional(),
              0.0,
              true,
              new DoubleOptional(),
              config.kvHeads() < config.heads());
      parts.add(mixed.squeeze(0).transpose(0, 1)); // [rows, heads, dim]
    }
    Tensor all = parts.size() == 1 ? parts.get(0) : cat(parts);
    return all.reshape(all.size(0), (long) config.heads() * config.headDim());
  }

  private static Tensor cat(List<Tensor> parts) {
    return torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), 0);
  }

  private Tensor feedForward(int layer, String name, Tensor x) {
    return config.isSparse(layer)
        ? experts.apply(name + ".", parameters.get(name + ".gate.weight"), x)
        : gatedUnit(name + ".", x);
  }

  /** SwiGLU: down(silu(gate(x)) * up(x)). */
  private Tensor gatedUnit(String prefix, Tensor x) {
    Tensor gate = torch.silu(linear(prefix + "gate_proj", x));
    return linear(prefix + "down_proj", gate.mul(linear(prefix + "up_proj", x)));
  }

  @Override
  public void close() {
    parameters.close();
  }
}
