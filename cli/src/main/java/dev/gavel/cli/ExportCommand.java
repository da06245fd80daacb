package dev.gavel.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.DType;
import dev.gavel.relevance.edit.ExportSpec;
import dev.gavel.relevance.edit.ModelExporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code gavel model export}. */
@Command(
    name = "export",
    description = "Write a model as one file of floats, and set its manifest.")
final class ExportCommand extends Action {
  @Option(names = "--model", paramLabel = "DIR", description = "Model to export.")
  private Path model;

  @Option(
      names = "--checkpoint",
      paramLabel = "RUN_DIR",
      description = "Folder of a training run whose model is exported, in place of --model.")
  private Path run;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "A folder that does not exist yet, or is empty.")
  private Path out;

  @Option(
      names = "--dtype",
      paramLabel = "fp32|fp16|bf16",
      converter = DtypeConverter.class,
      description = "Element type of all weights; default: as they are.")
  private DType dtype;

  @Option(
      names = "--manifest",
      paramLabel = "gavel.json",
      description = "Manifest for the result; default: the model's.")
  private Path manifest;

  @Option(names = "--name", paramLabel = "NAME", description = "Name in the manifest.")
  private String name;

  @Option(names = "--version", paramLabel = "VERSION", description = "Version in the manifest.")
  private String version;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  /** {@code fp32}, {@code fp16}, {@code bf16}; F32 and F16 too. */
  static final class DtypeConverter implements ITypeConverter<DType> {
    @Override
    public DType convert(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "fp32", "f32" -> DType.F32;
        case "fp16", "f16" -> DType.F16;
        case "bf16" -> DType.BF16;
        default ->
            throw new TypeConversionException("expected fp32, fp16 or bf16, found '" + value + "'");
      };
    }
  }

  @Override
  public Integer call() throws IOException {
    if ((model == null) == (run == null)) {
      throw usage(
          "expected either --model or --checkpoint, found " + (model == null ? "none" : "both"));
    }
    long bytes =
        ModelExporter.export(source(), out, new ExportSpec(dtype, manifest, name, version));
    if (json) {
      terminal()
          .out()
          .println(
              JsonView.line(
                  JsonNodeFactory.instance
                      .objectNode()
                      .put("out", out.toString())
                      .put("bytes", bytes)));
    } else {
      terminal().out().printf(Locale.ROOT, "%s: %,d bytes%n", out, bytes);
    }
    return ExitCode.OK;
  }

  private Path source() {
    if (model != null) {
      return model;
    }
    Path trained = run.resolve("model");
    if (!Files.isDirectory(trained)) {
      throw new CliException(
          ExitCode.DATA, run + ": expected a finished run with a folder model, found none");
    }
    return trained;
  }
}
