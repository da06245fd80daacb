package dev.gavel.cli;

import dev.gavel.cli.bench.BenchCommand;
import dev.gavel.cli.demo.DemoCommand;
import dev.gavel.cli.terminal.Terminal;
import dev.gavel.cli.train.CompareCommand;
import dev.gavel.cli.train.EvaluateCommand;
import dev.gavel.cli.train.TrainCommand;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The root of the command line: which commands there are, and how they fail. */
@Command(
    name = "gavel",
    description = "Judges how well products fit a shopper's query: the label first, reasons after.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.Provider.class,
    subcommands = {
      DemoCommand.class,
      ServeCommand.class,
      ScoreCommand.class,
      ExplainCommand.class,
      ModelCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      CompareCommand.class,
      BenchCommand.class,
      HealthCommand.class,
      VersionCommand.class,
      WarmUpCommand.class,
      HelpCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class GavelCommand implements Runnable {
  private static final Map<String, String> EXIT_CODES = exitCodes();

  final Terminal terminal;
  final InputStream stdin;
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  GavelCommand(Terminal terminal, InputStream stdin) {
    this.terminal = terminal;
    this.stdin = stdin;
  }

  private static Map<String, String> exitCodes() {
    Map<String, String> codes = new LinkedHashMap<>();
    codes.put(" " + ExitCode.OK, "done");
    codes.put(" " + ExitCode.USAGE, "wrong command line");
    codes.put(ExitCode.DATA + "", "a model, file or request that cannot be used as it is");
    codes.put(ExitCode.UNAVAILABLE + "", "no server, device, library or memory");
    codes.put(ExitCode.INTERNAL + "", "internal error");
    codes.put(ExitCode.TRY_AGAIN + "", "overload or deadline: try again later");
    return codes;
  }

  @Override
  public void run() {
    spec.commandLine().usage(terminal.out());
  }

  static CommandLine commandLine(GavelCommand root) {
    CommandLine line = new CommandLine(root);
    line.setOut(new PrintWriter(root.terminal.out(), true));
    line.setErr(new PrintWriter(root.terminal.err(), true));
    line.setColorScheme(
        CommandLine.Help.defaultColorScheme(
            root.terminal.colour() ? CommandLine.Help.Ansi.ON : CommandLine.Help.Ansi.OFF));
    NumberConverters.register(line);
    line.setParameterExceptionHandler(GavelCommand::onUsageError);
    line.setExecutionExceptionHandler(GavelCommand::onFailure);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpWidth(Math.min(root.terminal.columns(), 100));
    describe(line);
    return line;
  }

  private static void describe(CommandLine line) {
    line.getCommandSpec()
        .usageMessage()
        .exitCodeListHeading("%nExit codes:%n")
        .exitCodeList(EXIT_CODES);
    line.getSubcommands().values().forEach(GavelCommand::describe);
  }

  private static int onUsageError(CommandLine.ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    String name = line.getCommandSpec().qualifiedName();
    String message = e.getMessage().strip().replaceAll("\\s*[\\r\\n]+\\s*", " ");
    line.getErr().println(name + ": " + message + " (" + name + " --help)");
    return ExitCode.USAGE;
  }

  private static int onFailure(Exception e, CommandLine line, CommandLine.ParseResult parseResult) {
    Failure failure = Failure.of(e);
    line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + failure.line());
    if (line.getCommand() instanceof Action action && action.debug) {
      e.printStackTrace(line.getErr());
    }
    line.getErr().flush();
    return failure.exitCode();
  }
}
