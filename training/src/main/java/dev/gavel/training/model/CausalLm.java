package dev.gavel.training.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
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
  private Precision precision = Precision.FP32;
  private Lora lora;
  private Rounding rounding;

  /** What all layers share about a batch: rotations, and which rows attend to which. */
  record Places(Rope.Angles angles, Attention attention) {}

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

  /** The same, computing in {@code precision}; the weights are fp32 in either. */
  public static CausalLm load(Path directory, Precision precision) {
    CausalLm model = load(directory);
    model.precision = precision;
    return model;
  }

  /** The same in another type; fp64 makes an oracle. */
  public static CausalLm load(Path directory, ScalarType type) {
    Weights weights = Weights.open(directory);
    return new CausalLm(weights.config(), Parameters.load(weights, type));
  }

  public ModelConfig config() {
    return config;
  }

  public Precision precision() {
    return precision;
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

  /**
   * From here on the layers' matrices are computed with, and handed out, as they will be stored.
   */
  public void add(Rounding storage) {
    rounding = storage;
  }

  /**
   * Hands every weight to {@code sink} by its Hugging Face name, adapters merged, rounded where the
   * model is, embedding first.
   *
   * @param dtype of what is handed over
   */
  public void forEachWeight(DType dtype, Weights.Sink sink) {
    Weights.shapes(config)
        .forEach(
            (name, shape) -> {
              try (PointerScope scope = new PointerScope()) {
                Tensor weight =
                    lora == null ? rounded(name).detach() : lora.merged(name, parameters);
                Tensor stored = weight.to(Parameters.scalarType(dtype)).contiguous();
                BytePointer bytes = new BytePointer(stored.data_ptr()).capacity(stored.nbytes());
                sink.tensor(name, dtype, shape, bytes.asByteBuffer());
              }
            });
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
    Places places = places(batch);
    Tensor x = embed(batch);
    for (int layer = 0; layer < config.layers(); layer++) {
      x = layer(layer, x, places);
    }
    return x;
  }

  Places places(PackedBatch batch) {
    Tensor like = parameters.get("model.embed_tokens.weight");
    return new Places(rope.angles(batch.positions(), like), new Attention(config, batch));
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

  /** One layer: [tokens, hidden] to the same. The stream between layers is fp32. */
  Tensor layer(int layer, Tensor x, Places places) {
    String name = "model.layers." + layer;
    Tensor attended = attention(name, norm(name + ".input_layernorm", x), places);
    Tensor middle = x.add(attended);
    Tensor normed = norm(name + ".post_attention_layernorm", middle);
    return middle.add(feedForward(layer, name + ".mlp", normed));
  }

  /**
   * RMSNorm (Zhang and Sennrich, arXiv 1910.07467) of rows that may be bf16: fp32. By the vector
   * norm, as the gradient of a mean of squares takes several passes over the rows.
   */
  private Tensor norm(String name, Tensor rows) {
    Tensor weight = parameters.get(name + ".weight");
    Tensor x = rows.to(weight.scalar_type());
    Tensor length =
        torch.linalg_vector_norm(x, new Scalar(2), new long[] {-1}, true, new ScalarTypeOptional());
    Tensor meanSquare = length.square().div(new Scalar(weight.size(0)));
    Tensor scale = meanSquare.add(new Scalar(config.rmsEpsilon())).rsqrt();
    return x.mul(scale).mul(weight);
  }

  /** x W' + b in the model's precision, with the adapter of that name where there is one. */
  private Tensor linear(String name, Tensor x) {
    Tensor weight = precision.cast(rounded(name + ".weight"));
    Tensor plain =
        parameters.has(name + ".bias")
            ? torch.linear(x, weight, new TensorOptional(weight(name + ".bias")))
            : torch.linear(x, weight);
    return Lora.has(name, parameters) ? lora.apply(name, x, plain, this::weight) : plain;
  }

  private Tensor rounded(String name) {
    Tensor weight = parameters.get(name);
    return rounding != null && name.endsWith("_proj.weight") ? rounding.apply(weight) : weight;
  }

  private Tensor weight(String name) {
    return precision.cast(parameters.get(name));
  }

  private Tensor attention(String layer, Tensor normed, Places places) {
    String name = layer + ".self_attn.";
    Tensor x = precision.cast(normed);
    Tensor q = heads(linear(name + "q_proj", x), config.heads());
    Tensor k = heads(linear(name + "k_proj", x), config.kvHeads());
    Tensor v = heads(linear(name + "v_proj", x), config.kvHeads());
    if (config.qkNorm()) {
      q = norm(name + "q_norm", q);
      k = norm(name + "k_norm", k);
    }
    Tensor rotatedQ = places.angles().rotate(q);
    Tensor rotatedK = places.angles().rotate(k);
    Tensor mixed = places.attention().apply(rotatedQ, rotatedK, v.to(rotatedK.scalar_type()));
    return linear(name + "o_proj", precision.cast(mixed));
  }

  /** [tokens, heads * headDim] to [tokens, heads, headDim]. */
  private Tensor heads(Tensor x, int heads) {
    return x.view(x.size(0), heads, config.headDim());
  }

  private Tensor feedForward(int layer, String name, Tensor x) {
    return config.isSparse(layer)
        ? experts.apply(name + ".", parameters.get(name + ".gate.weight"), x)
        : gatedUnit(name + ".", x);
  }

  /** SwiGLU: down(silu(gate(x)) * up(x)). */
  private Tensor gatedUnit(String prefix, Tensor rows) {
    Tensor x = precision.cast(rows);
    Tensor gate = torch.silu(linear(prefix + "gate_proj", x));
    return linear(prefix + "down_proj", gate.mul(linear(prefix + "up_proj", x)));
  }

  @Override
  public void close() {
    parameters.close();
  }
}
