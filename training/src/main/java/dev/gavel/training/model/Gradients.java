package dev.gavel.training.model;

import dev.gavel.training.torch.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/**
 * Adds the gradients of a loss of one batch to the parameters'.
 *
 * <p>{@link #ALL} keeps every intermediate of the forward pass. {@link #LAYER_INPUTS} keeps what
 * enters each layer and computes the layer a second time when its gradient is due (Chen et al.,
 * arXiv 1604.06174): one layer's intermediates at a time, for about a third more work. Both give
 * the same gradients.
 */
public enum Gradients {
  ALL {
    @Override
    double accumulate(CausalLm model, PackedBatch batch, Function<Tensor, Tensor> loss) {
      Tensor value = loss.apply(model.logProbs(batch));
      value.backward();
      return value.item_double();
    }
  },
  LAYER_INPUTS {
    @Override
    double accumulate(CausalLm model, PackedBatch batch, Function<Tensor, Tensor> loss) {
      CausalLm.Places places = model.places(batch);
      List<Tensor> inputs = new ArrayList<>();
      try (NoGradGuard guard = new NoGradGuard()) {
        inputs.add(model.embed(batch));
        for (int layer = 0; layer < model.config().layers(); layer++) {
          inputs.add(layerAlone(model, layer, inputs.get(layer), places));
        }
      }
      Tensor top = leaf(inputs.get(model.config().layers()));
      Tensor value = loss.apply(model.targetLogProbs(top, batch));
      value.backward();
      Tensor gradient = top.grad();
      for (int layer = model.config().layers() - 1; layer >= 0; layer--) {
        gradient = through(model, layer, inputs.get(layer), places, gradient);
      }
      Tensor embedded = model.embed(batch);
      if (embedded.requires_grad()) {
        push(embedded, gradient);
      }
      return value.item_double();
    }
  };

  /**
   * Runs forward and backward; all memory but the parameters' gradients is freed on return.
   *
   * @param loss from log-probabilities [targets] of the batch to one number
   * @return the loss
   */
  public double add(CausalLm model, PackedBatch batch, Function<Tensor, Tensor> loss) {
    try (PointerScope scope = new PointerScope()) {
      return accumulate(model, batch, loss);
    }
  }

  abstract double accumulate(CausalLm model, PackedBatch batch, Function<Tensor, Tensor> loss);

  private static Tensor layerAlone(
      CausalLm model, int layer, Tensor input, CausalLm.Places places) {
    return Torch.scoped(() -> model.layer(layer, input, places));
  }

  /** The gradient of a layer's input from that of its output. */
  private static Tensor through(
      CausalLm model, int layer, Tensor input, CausalLm.Places places, Tensor gradient) {
    return Torch.scoped(
        () -> {
          Tensor leaf = leaf(input);
          push(model.layer(layer, leaf, places), gradient);
          return leaf.grad().detach(); // grad() itself points into the leaf, which goes
        });
  }

  private static Tensor leaf(Tensor values) {
    Tensor leaf = values.detach();
    leaf.set_requires_grad(true);
    return leaf;
  }

  private static void push(Tensor output, Tensor gradient) {
    output.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }
}
