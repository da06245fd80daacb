package dev.gavel.training.distributed;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.dpo.DpoTrainer;
import dev.gavel.training.dpo.Preference;
import dev.gavel.training.grpo.GroupRule;
import dev.gavel.training.grpo.GrpoSettings;
import dev.gavel.training.grpo.GrpoTrainer;
import dev.gavel.training.grpo.Reward;
import dev.gavel.training.grpo.ToySource;
import dev.gavel.training.loss.DpoLoss;
import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.BatchPlan;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.TrainingSettings;
import dev.gavel.training.sft.SftTrainer;
import dev.gavel.training.torch.Torch;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The program of a worker, which is also run alone: all that {@link GlooExchangeTest} compares is
 * written into a folder.
 */
final class Worker {
  static final int EXAMPLES = 37; // the last step of an epoch has one: a worker has none
  static final int STEPS = 10;
  static final String GRADIENT = "gradient";
  static final String GRADIENT_FP32 = "gradient-fp32";
  static final String WEIGHTS = "weights";
  static final String DPO_WEIGHTS = "dpo-weights";
  static final int DPO_STEPS = 10;
  static final String GRPO_WEIGHTS = "grpo-weights";
  static final String GRPO_RESUMED = "grpo-resumed";
  static final String CONFIG_ERROR = "config-error.txt";
  static final String GATHERED = "gathered.txt";
  private static final int BATCH = 9;
  private static final Path MODEL = Path.of("../native/src/test/resources/goldens/qwen3");

  private static final ObjectNode CONFIG =
      JsonNodeFactory.instance.objectNode().put("batch", BATCH);

  private final GradientExchange exchange;
  private final Path out;
  private final Path run;

  /**
   * @param out for what this worker alone writes
   * @param run the folder of the workers' common run
   */
  Worker(GradientExchange exchange, Path out, Path run) {
    this.exchange = exchange;
    this.out = out;
    this.run = run;
  }

  /** Rank, number of workers, file to meet at, own folder, common folder. */
  public static void main(String[] args) throws IOException {
    Torch.load();
    Torch.threads(1);
    WorkerSpec spec =
        new WorkerSpec(
            Integer.parseInt(args[0]),
            Integer.parseInt(args[1]),
            new WorkerSpec.SharedFile(Path.of(args[2])),
            Duration.ofMinutes(5),
            Duration.ofMinutes(5));
    try (GradientExchange exchange = GlooExchange.join(spec)) {
      new Worker(exchange, Path.of(args[3]), Path.of(args[4])).work();
    }
  }

  void work() throws IOException {
    Files.createDirectories(out);
    talk();
    differ();
    gradient(ScalarType.Double, GRADIENT);
    gradient(ScalarType.Float, GRADIENT_FP32);
    train();
    prefer();
    reinforce(run.resolve("grpo"), GRPO_WEIGHTS, 4);
    reinforce(run.resolve("grpo-resumed"), GRPO_RESUMED, 3, 4);
  }

  /** Texts of any length, none included. */
  private void talk() throws IOException {
    String own = "é".repeat(exchange.rank()) + "|";
    List<String> texts = new ArrayList<>(exchange.gather(own));
    texts.addAll(exchange.gather(""));
    texts.add(Arrays.toString(exchange.sum(1, exchange.rank() + .5)));
    Files.writeString(out.resolve(GATHERED), String.join(",", texts));
  }

  private void differ() throws IOException {
    ObjectNode config = JsonNodeFactory.instance.objectNode().put("batch", 8 + exchange.rank());
    String error = "";
    try {
      RunDirectory.open(run.resolve("never"), config, exchange);
    } catch (IllegalArgumentException e) {
      error = e.getMessage();
    }
    Files.writeString(out.resolve(CONFIG_ERROR), error);
  }

  /** Of different lengths and weights, so that a mean of means would be another gradient. */
  static List<PackedBatch.Sequence> examples() {
    SplittableRandom random = new SplittableRandom(11);
    List<PackedBatch.Sequence> out = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      int[] prompt = random.ints(1 + random.nextInt(12), 10, 90).toArray();
      int[] response = random.ints(1 + random.nextInt(5), 10, 90).toArray();
      out.add(PackedBatch.Sequence.of(prompt, response).times(.25 + random.nextDouble()));
    }
    return out;
  }

  private static CausalLm model(ScalarType type) {
    CausalLm model = CausalLm.load(MODEL, type);
    model.parameters().train(true);
    return model;
  }

  private void gradient(ScalarType type, String file) throws IOException {
    List<PackedBatch.Sequence> examples = examples();
    int[] lengths = examples.stream().mapToInt(PackedBatch.Sequence::length).toArray();
    BatchPlan plan = new BatchPlan(Sampler.shuffled(EXAMPLES, 3), lengths, BATCH, 30);
    try (CausalLm model = model(type)) {
      List<int[]> micros = plan.step(0, exchange.rank(), exchange.workers());
      double own =
          micros.stream()
              .flatMapToInt(Arrays::stream)
              .mapToDouble(i -> examples.get(i).weight())
              .sum();
      double weight = exchange.sum(own)[0];
      for (int[] micro : micros) {
        PackedBatch batch = PackedBatch.of(Arrays.stream(micro).mapToObj(examples::get).toList());
        Gradients.ALL.add(
            model,
            batch,
            logs -> SftLoss.weighted(logs, Torch.vector(batch.weights(), logs), weight));
      }
      exchange.sumGradients(model.parameters());
      Map<String, double[]> gradients = new LinkedHashMap<>();
      try (PointerScope scope = new PointerScope()) {
        model
            .parameters()
            .all()
            .forEach((name, tensor) -> gradients.put(name, Torch.doubles(tensor.grad())));
      }
      write(out.resolve(file), gradients);
    }
  }

  /** Two epochs; stopped after six steps, and gone on with from the checkpoint of the fourth. */
  private void train() throws IOException {
    SftTrainer.Settings settings =
        new SftTrainer.Settings(
            2,
            BATCH,
            new TrainingSettings(
                30,
                Gradients.LAYER_INPUTS,
                1e-3,
                .1,
                .1,
                AdamWOptimizer.Settings.DEFAULT,
                4,
                2,
                0));
    for (int stop : new int[] {6, STEPS}) {
      try (CausalLm model = model(ScalarType.Double);
          SftTrainer trainer =
              new SftTrainer(
                  model,
                  examples(),
                  Sampler.shuffled(EXAMPLES, 3),
                  settings,
                  RunDirectory.open(run.resolve("sft"), CONFIG, exchange),
                  Progress.SILENT)) {
        trainer.run(stop);
        write(out.resolve(WEIGHTS), weights(model));
      }
    }
  }

  /** Two epochs of 17 preferences, four a step: a worker has none in the last. */
  private void prefer() throws IOException {
    List<PackedBatch.Sequence> examples = examples();
    List<Preference> preferences = new ArrayList<>();
    for (int i = 0; i + 1 < 34; i += 2) {
      preferences.add(
          new Preference(
              "p" + i, Preference.Kind.SELF_CORRECTION, 0, examples.get(i), examples.get(i + 1)));
    }
    DpoTrainer.Settings settings =
        new DpoTrainer.Settings(
            new DpoLoss(.3, .5),
            2,
            4,
            new TrainingSettings(
                50, Gradients.ALL, 1e-3, .1, .1, AdamWOptimizer.Settings.DEFAULT, 4, 1, 0));
    for (int stop : new int[] {5, DPO_STEPS}) {
      try (CausalLm model = model(ScalarType.Double);
          DpoTrainer trainer =
              new DpoTrainer(
                  model,
                  preferences,
                  Sampler.shuffled(preferences.size(), 8),
                  settings,
                  RunDirectory.open(run.resolve("dpo"), CONFIG, exchange),
                  Progress.SILENT)) {
        trainer.run(stop);
        write(out.resolve(DPO_WEIGHTS), weights(model));
      }
    }
  }

  /** Groups of a batch are shared; every worker samples by itself. */
  private void reinforce(Path home, String file, int... stops) throws IOException {
    GrpoSettings settings =
        new GrpoSettings(
            4,
            new GroupRule(6, 6, 4, 3, 5),
            new GrpoLoss(.2, .2, 0, GrpoLoss.Mean.SEQUENCE),
            new GrpoSettings.AdvantageRule(true, 2),
            new GrpoSettings.Use(1, 1, GrpoSettings.OldLogProbs.ROLLOUT),
            new TrainingSettings(
                100, Gradients.ALL, 1e-3, 0, 1, AdamWOptimizer.Settings.DEFAULT, 2, 2, 0),
            5);
    List<int[]> prompts = ToySource.prompts(24, 1);
    int[] labels = ToySource.labels(24);
    for (int stop : stops) {
      try (CausalLm policy = model(ScalarType.Float);
          ToySource source = new ToySource(prompts)) {
        policy.parameters().get("model.embed_tokens.weight").set_requires_grad(false);
        GrpoTrainer.Task task =
            new GrpoTrainer.Task(
                policy, null, labels, Sampler.shuffled(24, 6), source, Reward.LABEL);
        try (GrpoTrainer trainer =
            new GrpoTrainer(
                task, settings, RunDirectory.open(home, CONFIG, exchange), Progress.SILENT)) {
          trainer.run(stop);
        }
        write(out.resolve(file), weights(policy));
      }
    }
  }

  private static Map<String, double[]> weights(CausalLm model) {
    Map<String, double[]> out = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> each : model.parameters().all().entrySet()) {
      out.put(each.getKey(), Torch.doubles(each.getValue()));
    }
    return out;
  }

  private static void write(Path file, Map<String, double[]> values) throws IOException {
    try (DataOutputStream data = new DataOutputStream(Files.newOutputStream(file))) {
      data.writeInt(values.size());
      for (Map.Entry<String, double[]> each : values.entrySet()) {
        data.writeUTF(each.getKey());
        data.writeInt(each.getValue().length);
        for (double value : each.getValue()) {
          data.writeDouble(value);
        }
      }
    }
  }

  static Map<String, double[]> read(Path file) throws IOException {
    Map<String, double[]> out = new LinkedHashMap<>();
    try (DataInputStream data = new DataInputStream(Files.newInputStream(file))) {
      for (int left = data.readInt(); left > 0; left--) {
        String name = data.readUTF();
        double[] values = new double[data.readInt()];
        for (int i = 0; i < values.length; i++) {
          values[i] = data.readDouble();
        }
        out.put(name, values);
      }
    }
    return out;
  }
}
