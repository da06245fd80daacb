package dev.gavel.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.EngineInfo;
import java.util.Locale;

/** How results name what was measured. */
final class EngineText {
  private EngineText() {}

  /** Adds the fields of {@code --json}. */
  static void put(ObjectNode node, String model, EngineInfo info) {
    node.put("model", model)
        .put("quantization", info.quantization().id())
        .put("device", info.device())
        .put("instruction_set", info.instructionSet())
        .put("threads", info.threads());
  }

  /** The first line for people. */
  static String line(String model, EngineInfo info, long seed) {
    return String.format(
        Locale.ROOT,
        "%s, %s on %s (%s, %d threads), seed %d",
        model,
        info.quantization().id(),
        info.device(),
        info.instructionSet(),
        info.threads(),
        seed);
  }
}
