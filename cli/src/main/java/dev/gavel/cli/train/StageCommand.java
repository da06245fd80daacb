package dev.gavel.cli.train;

import dev.gavel.cli.Action;
import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.training.distributed.GlooExchange;
import dev.gavel.training.distributed.WorkerSpec;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.Report;
import dev.gavel.training.stage.StageConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** What the commands of stages share: a config file, a folder, progress, a report. */
abstract class StageCommand extends Action {
  /** Steps between lines of progress where there is no terminal. */
  private static final int LINE_STEPS = 10;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML or JSON; docs/training.md lists the keys. --set alone does too.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Overrides one key of the file, such as epochs=3 or data.0.weight=0.5.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the run; a run that is there already goes on.")
  private Path out;

  private GradientExchange exchange = GradientExchange.ALONE;

  /** Runs the stage. Illegal arguments are what the user gave. */
  abstract Report run(Path out, Progress progress) throws IOException;

  /** Reads the config file with its overrides; the overrides alone where there is no file. */
  final <T extends Record> T config(Class<T> type) {
    return file == null
        ? StageConfig.parse("", overrides, type)
        : StageConfig.read(file, overrides, type);
  }

  /** Whether several workers can share the stage's work: then it takes {@link #exchange}. */
  boolean isParallel() {
    return false;
  }

  /** The other workers of a run that torchrun's variables speak of; alone without them. */
  final GradientExchange exchange() {
    return exchange;
  }

  @Override
  public final Integer call() throws IOException {
    try (GradientExchange joined = join()) {
      exchange = joined;
      return report();
    }
  }

  private GradientExchange join() {
    WorkerSpec worker;
    try {
      worker = WorkerSpec.of(System.getenv());
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    if (worker.workers() > 1 && !isParallel()) {
      throw usage("expected one worker, found WORLD_SIZE=" + worker.workers());
    }
    try {
      return GlooExchange.joinIfMany(worker);
    } catch (IllegalStateException e) {
      throw new CliException(ExitCode.UNAVAILABLE, e.getMessage(), e);
    }
  }

  private Integer report() throws IOException {
    Progress progress =
        terminal().interactive()
            ? Progress.bar(terminal().err())
            : Progress.lines(terminal().err(), LINE_STEPS);
    try {
      Report report = run(out, exchange.writes() ? progress : Progress.SILENT);
      if (exchange.writes()) {
        terminal().out().println(report.toMarkdown().strip());
      }
      return ExitCode.OK;
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
  }
}
