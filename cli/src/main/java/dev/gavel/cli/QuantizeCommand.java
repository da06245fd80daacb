package dev.gavel.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.relevance.edit.ModelQuantizer;
import dev.gavel.relevance.edit.QuantizeReport;
import dev.gavel.relevance.edit.QuantizeSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel model quantize}. */
@Command(
    name = "quantize",
    description = "Store the matrices of a model as integers, for a smaller folder.",
    footer = {
      "",
      "The layout is that of compressed-tensors (pack-quantized), which Transformers and vLLM read."
          + " Weights become floats again when the model is loaded; how the engine computes is"
          + " another matter (--quantization of serve).",
    })
final class QuantizeCommand extends Action {
  @Option(names = "--model", required = true, paramLabel = "DIR", description = "Model to store.")
  private Path model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "A folder that does not exist yet, or is empty.")
  private Path out;

  @Option(names = "--bits", paramLabel = "4|8", description = "Of the matrices; default 8.")
  private int bits = 8;

  @Option(
      names = "--group",
      paramLabel = "N",
      description = "Neighbouring weights that share a scale; 0: a whole row. Default 32.")
  private int group = 32;

  @Option(
      names = "--embedding-bits",
      paramLabel = "4|8|16",
      description = "Of embedding and head; 16 leaves them as they are. Default 8.")
  private int embeddingBits = 8;

  @Option(
      names = "--overrides",
      paramLabel = "REGEX=BITS,...",
      description = "Bits (4, 8, 16) for modules in whose name a pattern is found.")
  private String overrides = "";

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    QuantizeReport report;
    try {
      QuantizeSpec spec =
          new QuantizeSpec(bits, group, embeddingBits, QuantizeSpec.parseOverrides(overrides));
      report = ModelQuantizer.quantize(model, out, spec);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    if (json) {
      terminal().out().println(JsonView.line(toJson(report)));
    } else {
      print(report);
    }
    return ExitCode.OK;
  }

  private static ObjectNode toJson(QuantizeReport report) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("bytes_before", report.bytesBefore());
    node.put("bytes_after", report.bytesAfter());
    node.put("parameters", report.parameters());
    ObjectNode storage = node.putObject("storage");
    report.storage().forEach(storage::put);
    ObjectNode errors = node.putObject("relative_errors");
    report.errors().forEach(errors::put);
    return node;
  }

  private void print(QuantizeReport report) {
    var out = terminal().out();
    out.printf(
        Locale.ROOT,
        "bytes       %,d -> %,d, %.2f bits a parameter%n",
        report.bytesBefore(),
        report.bytesAfter(),
        8.0 * report.bytesAfter() / report.parameters());
    report
        .storage()
        .forEach((kind, count) -> out.printf(Locale.ROOT, "stored      %,d as %s%n", count, kind));
    report
        .errors()
        .forEach(
            (kind, error) ->
                out.printf(Locale.ROOT, "error       %.4f of the weights in %s%n", error, kind));
  }
}
