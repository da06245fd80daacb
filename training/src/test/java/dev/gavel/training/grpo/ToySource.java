package dev.gavel.training.grpo;

import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.torch.Torch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;

/**
 * Samples from a copy of the policy: a label, a cue that is not drawn, and one token of reasoning.
 * Every token is a label, odd or even. The sampling is the test's own, by inversion of the
 * cumulative distribution.
 */
public final class ToySource implements RolloutSource, AutoCloseable {
  public static final Path MODEL = Path.of("../native/src/test/resources/goldens/qwen3");
  static final int FIRST_LABEL = 3;
  static final int LABELS = 2;
  static final int CUE = 9;

  private final List<int[]> prompts;
  private final CausalLm copy = CausalLm.load(MODEL);

  public ToySource(List<int[]> prompts) {
    this.prompts = prompts;
  }

  /** The answer is whether the last token is the first one again, or a rarer one. */
  public static List<int[]> prompts(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              int[] prompt = random.ints(3 + random.nextInt(4), 10, 40).toArray();
              prompt[prompt.length - 1] = i % 2 == 0 ? prompt[0] : 50 + random.nextInt(30);
              return prompt;
            })
        .toList();
  }

  public static int[] labels(int count) {
    return IntStream.range(0, count).map(i -> i % 2).toArray();
  }

  @Override
  public void push(CausalLm policy) {
    try (NoGradGuard guard = new NoGradGuard()) {
      copy.parameters()
          .all()
          .forEach((name, tensor) -> tensor.copy_(policy.parameters().get(name)));
    }
  }

  @Override
  public List<List<Rollout>> sample(int[] pairs, int each, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] first = next(Arrays.stream(pairs).mapToObj(prompts::get).toList());
    int[] labels = new int[pairs.length * each];
    List<int[]> read = new ArrayList<>();
    for (int i = 0; i < labels.length; i++) {
      labels[i] = draw(first[i / each], random);
      int[] prompt = prompts.get(pairs[i / each]);
      int[] whole = Arrays.copyOf(prompt, prompt.length + 2);
      whole[prompt.length] = labels[i];
      whole[prompt.length + 1] = CUE;
      read.add(whole);
    }
    double[][] second = next(read);
    List<List<Rollout>> out = new ArrayList<>();
    for (int i = 0; i < pairs.length; i++) {
      List<Rollout> group = new ArrayList<>();
      for (int j = 0; j < each; j++) {
        int label = labels[i * each + j];
        double[] after = second[i * each + j];
        int reason = draw(after, random);
        double[] logProbs = {first[i][label], 0, after[reason]};
        group.add(
            new Rollout(
                i,
                j,
                prompts.get(pairs[i]),
                new int[] {label, CUE, reason},
                new boolean[] {false, true, false},
                logProbs,
                "",
                Math.floorMod(label - FIRST_LABEL, LABELS),
                true));
      }
      out.add(group);
    }
    return out;
  }

  private static int draw(double[] logs, SplittableRandom random) {
    double left = random.nextDouble();
    for (int token = 0; token < logs.length; token++) {
      left -= Math.exp(logs[token]);
      if (left < 0) {
        return token;
      }
    }
    return logs.length - 1;
  }

  /** Log-probabilities of all tokens after each sequence. */
  private double[][] next(List<int[]> sequences) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      PackedBatch batch =
          PackedBatch.of(
              sequences.stream()
                  .map(tokens -> PackedBatch.Sequence.of(tokens, new int[] {0}))
                  .toList());
      Tensor logs = copy.logits(batch).log_softmax(1);
      return Arrays.stream(batch.rows())
          .mapToObj(row -> Torch.doubles(logs.narrow(0, row, 1)))
          .toArray(double[][]::new);
    }
  }

  @Override
  public void close() {
    copy.close();
  }
}
