package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.ModelConfig;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which layers stay, under numbers without gaps. */
final class LayerPruning {
  private static final Pattern LAYER = Pattern.compile("(model\\.layers\\.)(\\d{1,6})(\\..*)");

  private final int[] kept;

  LayerPruning(int[] kept) {
    this.kept = kept;
  }

  /** Number of layers that stay. */
  int count() {
    return kept.length;
  }

  /** The tensor's new name, or null if its layer goes. */
  String rename(String tensor) {
    Matcher layer = LAYER.matcher(tensor);
    if (!layer.matches()) {
      return tensor;
    }
    int place = Arrays.binarySearch(kept, Integer.parseInt(layer.group(2)));
    return place < 0 ? null : layer.group(1) + place + layer.group(3);
  }

  /** Rewrites the number of layers and what {@code config.json} says layer by layer. */
  void rewrite(ObjectNode config, ModelConfig old) {
    config.put("num_hidden_layers", kept.length);
    if (config.path("layer_types") instanceof ArrayNode types && types.size() == old.layers()) {
      ArrayNode out = config.putArray("layer_types");
      Arrays.stream(kept).forEach(layer -> out.add(types.get(layer)));
    }
    if (old.experts() > 0) {
      ArrayNode dense = config.putArray("mlp_only_layers");
      for (int place = 0; place < kept.length; place++) {
        if (!old.isSparse(kept[place])) {
          dense.add(place);
        }
      }
      config.put("decoder_sparse_step", 1);
    }
  }
}
