package dev.gavel.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The transformer in plain loops, one whole sequence at a time, for fp32 weights: an oracle for
 * shapes that have no golden. In double precision it is taken as the truth; rounded to float after
 * every operation it shows what fp32 does to a model.
 */
final class ReferenceModel {
  private final ModelConfig config;
  private final boolean single;
  private final Map<String, float[]> weights = new HashMap<>();
  private double routerGap = Double.POSITIVE_INFINITY;

  ReferenceModel(Checkpoint checkpoint, boolean single) {
    this.config = checkpoint.config();
    this.single = single;
    checkpoint
        .tensors()
        .forEach(
            (name, tensor) -> {
              ByteBuffer data = tensor.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
              float[] values = new float[tensor.elements()];
              data.asFloatBuffer().get(values);
              weights.put(name, values);
            });
  }

  /** Smallest distance in router logits between the last chosen expert and the first left out. */
  double routerGap() {
    return routerGap;
  }

  /** Logits [tokens][vocabulary]. */
  double[][] logits(int[] tokens) {
    double[][] x = new double[tokens.length][config.hidden()];
    float[] embedding = weights.get("model.embed_tokens.weight");
    for (int t = 0; t < tokens.length; t++) {
      for (int i = 0; i < config.hidden(); i++) {
        x[t][i] = embedding[tokens[t] * config.hidden() + i];
      }
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String prefix = "model.layers." + layer + ".";
      double[][] attended = attention(prefix + "self_attn.", norms(prefix + "input_layernorm", x));
      add(x, attended);
      double[][] normed = norms(prefix + "post_attention_layernorm", x);
      for (int t = 0; t < x.length; t++) {
        add(x[t], config.isSparse(layer) ? experts(prefix, normed[t]) : dense(prefix, normed[t]));
      }
    }
    String head = config.tiedEmbeddings() ? "model.embed_tokens" : "lm_head";
    return map(norms("model.norm", x), row -> linear(head, row));
  }

  private double round(double value) {
    return single ? (float) value : value;
  }

  private interface Row {
    double[] apply(double[] row);
  }

  private static double[][] map(double[][] rows, Row function) {
    return Arrays.stream(rows).map(function::apply).toArray(double[][]::new);
  }

  private void add(double[][] x, double[][] more) {
    for (int t = 0; t < x.length; t++) {
      add(x[t], more[t]);
    }
  }

  private void add(double[] x, double[] more) {
    for (int i = 0; i < x.length; i++) {
      x[i] = round(x[i] + more[i]);
    }
  }

  private double dot(float[] a, int from, double[] b) {
    double sum = 0;
    for (int i = 0; i < b.length; i++) {
      sum = round(sum + round(a[from + i] * b[i]));
    }
    return sum;
  }

  /** W x + b, where there is a b. */
  private double[] linear(String name, double[] x) {
    float[] matrix = weights.get(name + ".weight");
    float[] bias = weights.get(name + ".bias");
    double[] y = new double[matrix.length / x.length];
    for (int row = 0; row < y.length; row++) {
      y[row] = dot(matrix, row * x.length, x);
      y[row] = bias == null ? y[row] : round(y[row] + bias[row]);
    }
    return y;
  }

  private double[][] norms(String name, double[][] rows) {
    return map(rows, row -> norm(weights.get(name + ".weight"), row));
  }

  private double[] norm(float[] weight, double[] x) {
    double squares = 0;
    for (double value : x) {
      squares = round(squares + round(value * value));
    }
    double scale = round(1 / Math.sqrt(round(squares / x.length) + config.rmsEpsilon()));
    double[] y = new double[x.length];
    Arrays.setAll(y, i -> round(round(x[i] * scale) * weight[i]));
    return y;
  }

  private double[][] attention(String prefix, double[][] x) {
    double[][] q = heads(prefix, "q", x);
    double[][] k = heads(prefix, "k", x);
    double[][] v = map(x, row -> linear(prefix + "v_proj", row));
    double[][] out = new double[x.length][config.heads() * config.headDim()];
    for (int t = 0; t < x.length; t++) {
      for (int head = 0; head < config.heads(); head++) {
        attend(q[t], k, v, t, head, out[t]);
      }
    }
    return map(out, row -> linear(prefix + "o_proj", row));
  }

  /** Projected, normed (Qwen3) and turned by its position, head by head. */
  private double[][] heads(String prefix, String part, double[][] x) {
    double[][] rows = map(x, row -> linear(prefix + part + "_proj", row));
    int d = config.headDim();
    for (int t = 0; t < rows.length; t++) {
      for (int from = 0; from < rows[t].length; from += d) {
        double[] head = Arrays.copyOfRange(rows[t], from, from + d);
        if (config.qkNorm()) {
          head = norm(weights.get(prefix + part + "_norm.weight"), head);
        }
        System.arraycopy(rotate(head, t), 0, rows[t], from, d);
      }
    }
    return rows;
  }

  private double[] rotate(double[] head, int position) {
    int half = head.length / 2;
    double[] turned = new double[head.length];
    for (int i = 0; i < half; i++) {
      double angle = round(position * round(frequency(i)));
      double cos = round(Math.cos(angle));
      double sin = round(Math.sin(angle));
      turned[i] = round(head[i] * cos - round(head[i + half] * sin));
      turned[i + half] = round(head[i + half] * cos + round(head[i] * sin));
    }
    return turned;
  }

  /**
   * Radians per position of pair {@code i}; Llama 3 stretches the long waves and blends between.
   */
  private double frequency(int i) {
    RopeScaling scaling = config.ropeScaling();
    double plain = Math.pow(config.ropeTheta(), -2.0 * i / config.headDim());
    if (scaling.kind() != RopeScaling.Kind.LLAMA3) {
      return plain / scaling.factor();
    }
    double turns = scaling.originalPositions() * plain / (2 * Math.PI);
    double low = scaling.lowFrequencyFactor();
    double blend = (turns - low) / (scaling.highFrequencyFactor() - low);
    blend = Math.max(0, Math.min(1, blend));
    return (1 - blend) * plain / scaling.factor() + blend * plain;
  }

  private void attend(double[] q, double[][] k, double[][] v, int t, int head, double[] out) {
    int d = config.headDim();
    int from = head / (config.heads() / config.kvHeads()) * d;
    double[] scores = new double[t + 1];
    for (int p = 0; p <= t; p++) {
      for (int i = 0; i < d; i++) {
        scores[p] = round(scores[p] + round(q[head * d + i] * k[p][from + i]));
      }
      scores[p] = round(scores[p] / Math.sqrt(d));
    }
    double[] shares = softmax(scores);
    for (int i = 0; i < d; i++) {
      for (int p = 0; p <= t; p++) {
        out[head * d + i] = round(out[head * d + i] + round(shares[p] * v[p][from + i]));
      }
    }
  }

  private double[] softmax(double[] logits) {
    double max = Arrays.stream(logits).max().orElseThrow();
    double[] shares = Arrays.stream(logits).map(logit -> round(Math.exp(logit - max))).toArray();
    double sum = 0;
    for (double share : shares) {
      sum = round(sum + share);
    }
    double total = sum;
    return Arrays.stream(shares).map(share -> round(share / total)).toArray();
  }

  private double[] dense(String prefix, double[] x) {
    return feedForward(prefix + "mlp.", x);
  }

  private double[] feedForward(String prefix, double[] x) {
    double[] gate = linear(prefix + "gate_proj", x);
    double[] up = linear(prefix + "up_proj", x);
    double[] inner = new double[gate.length];
    Arrays.setAll(inner, i -> round(round(gate[i] / (1 + Math.exp(-gate[i]))) * up[i]));
    return linear(prefix + "down_proj", inner);
  }

  private double[] experts(String prefix, double[] x) {
    double[] router = linear(prefix + "mlp.gate", x);
    double[] shares = softmax(router);
    int[] ranked =
        IntStream.range(0, router.length)
            .boxed()
            .sorted((a, b) -> Double.compare(router[b], router[a]))
            .mapToInt(i -> i)
            .toArray();
    int chosen = config.expertsPerToken();
    if (chosen < ranked.length) {
      routerGap = Math.min(routerGap, router[ranked[chosen - 1]] - router[ranked[chosen]]);
    }
    double total = config.normalizeExperts() ? 0 : 1;
    for (int i = 0; i < chosen && config.normalizeExperts(); i++) {
      total = round(total + shares[ranked[i]]);
    }
    double[] y = new double[x.length];
    for (int i = 0; i < chosen; i++) {
      double share = round(shares[ranked[i]] / total);
      double[] part = feedForward(prefix + "mlp.experts." + ranked[i] + ".", x);
      add(y, Arrays.stream(part).map(value -> round(value * share)).toArray());
    }
    return y;
  }
}
