package dev.gavel.training.run;

import dev.gavel.training.model.Parameters;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.InputArchive;
import org.bytedeco.pytorch.OutputArchive;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * LibTorch's AdamW (Loshchilov and Hutter, arXiv 1711.05101) over a model's trainable parameters,
 * with clipping of the whole gradient's norm. Norms and biases are not decayed.
 */
public final class AdamWOptimizer implements AutoCloseable {
  /**
   * How to optimize.
   *
   * @param clipNorm largest norm of the gradient; infinity for none
   */
  public record Settings(
      double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {
    /** The paper's: (0.9, 0.999), clip at 1, and PyTorch's decay of 0.01. */
    public static final Settings DEFAULT = new Settings(.9, .999, 1e-8, .01, 1);

    public Settings {
      boolean betas = beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1;
      if (!betas || !(epsilon > 0) || !(weightDecay >= 0) || !(clipNorm > 0)) {
        throw new IllegalArgumentException(
            "adamw: expected betas in [0, 1), epsilon and clipNorm above 0, weightDecay of 0 and"
                + " more, found "
                + beta1
                + ", "
                + beta2
                + ", "
                + epsilon
                + ", "
                + clipNorm
                + ", "
                + weightDecay);
      }
    }
  }

  private final Settings settings;
  private final TensorVector all;
  private final List<AdamW> groups = new ArrayList<>(); // decayed, not decayed
  private final List<String> files = new ArrayList<>();

  /** Optimizes what is trainable now. */
  public AdamWOptimizer(Parameters parameters, Settings settings) {
    this.settings = settings;
    Map<String, Tensor> trainable = parameters.trainable();
    if (trainable.isEmpty()) {
      throw new IllegalArgumentException("parameters: expected some to be trained, found none");
    }
    this.all = lasting(vector(trainable.values().stream()));
    for (boolean decayed : new boolean[] {true, false}) {
      List<Tensor> own =
          trainable.entrySet().stream()
              .filter(entry -> isDecayed(entry.getKey()) == decayed)
              .map(Map.Entry::getValue)
              .toList();
      if (!own.isEmpty()) {
        groups.add(group(own, decayed ? settings.weightDecay() : 0));
        files.add(decayed ? "decayed.pt" : "undecayed.pt");
      }
    }
  }

  static boolean isDecayed(String name) {
    return !name.endsWith("norm.weight") && !name.endsWith(".bias");
  }

  private AdamW group(List<Tensor> tensors, double decay) {
    try (PointerScope scope = new PointerScope()) {
      AdamWOptions options = new AdamWOptions(1e-3);
      // A tuple of the C++ library lies in memory with its last element first.
      options.betas().put(0, settings.beta2());
      options.betas().put(1, settings.beta1());
      options.eps().put(settings.epsilon());
      options.weight_decay().put(decay);
      return lasting(new AdamW(vector(tensors.stream()), options));
    }
  }

  private static TensorVector vector(Stream<Tensor> tensors) {
    return new TensorVector(tensors.toArray(Tensor[]::new));
  }

  private static <P extends org.bytedeco.javacpp.Pointer> P lasting(P pointer) {
    pointer.retainReference();
    return pointer;
  }

  /**
   * Clips, steps and forgets the gradients.
   *
   * @return the gradient's norm before clipping
   */
  public double step(double rate) {
    try (PointerScope scope = new PointerScope()) {
      double norm = torch.clip_grad_norm_(all, settings.clipNorm());
      for (AdamW group : groups) {
        group.param_groups().get(0).options().set_lr(rate);
        group.step();
        group.zero_grad();
      }
      return norm;
    }
  }

  /** Writes the state into a folder. */
  public void save(Path folder) {
    try (PointerScope scope = new PointerScope()) {
      for (int i = 0; i < groups.size(); i++) {
        OutputArchive archive = new OutputArchive();
        groups.get(i).save(archive);
        archive.save_to(folder.resolve(files.get(i)).toString());
      }
    }
  }

  /** Takes the state of {@link #save} of an optimizer of the same parameters. */
  public void load(Path folder) {
    try (PointerScope scope = new PointerScope()) {
      for (int i = 0; i < groups.size(); i++) {
        InputArchive archive = new InputArchive();
        archive.load_from(folder.resolve(files.get(i)).toString());
        groups.get(i).load(archive);
      }
    }
  }

  @Override
  public void close() {
    groups.forEach(AdamW::close);
    all.close();
  }
}
