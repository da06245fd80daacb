package dev.gavel.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** {@code gavel version}. */
@Command(name = "version", description = "Print the version.")
public final class VersionCommand extends Action {

  /** The version that the build wrote. */
  public static final class Provider implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "gavel " + version(), "java " + Runtime.version() + " on " + System.getProperty("os.arch")
      };
    }
  }

  static String version() {
    Properties properties = new Properties();
    try (InputStream in = VersionCommand.class.getResourceAsStream("version.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  @Override
  public Integer call() {
    for (String line : new Provider().getVersion()) {
      terminal().out().println(line);
    }
    return ExitCode.OK;
  }
}
