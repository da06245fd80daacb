package dev.gavel.cli;

import dev.gavel.cli.terminal.Cell;
import dev.gavel.cli.terminal.GradeBar;
import dev.gavel.cli.terminal.Style;
import dev.gavel.cli.terminal.Terminal;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.Final;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.SampleEnd;
import dev.gavel.v1.ScoredItem;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * An explanation for people, token by token. Paths arrive interleaved; the first one that has not
 * ended is shown live, the others are held back until it is their turn.
 */
public final class ExplainReport {
  private static final int BAR_CELLS = 30;
  private final Terminal terminal;
  private final boolean several;
  private final List<Path> paths = new ArrayList<>(); // that have said something
  private int shown;

  private static final class Path {
    final StringBuilder held = new StringBuilder();
    SampleEnd end;
    boolean started;
  }

  public ExplainReport(Terminal terminal, int samples) {
    this.terminal = terminal;
    this.several = samples > 1;
  }

  public void accept(ExplainEvent event) {
    switch (event.getEventCase()) {
      case VERDICT -> printJudgment(event.getVerdict().getItem());
      case TOKEN -> {
        path(event.getSample()).held.append(event.getToken().getText());
        advance();
      }
      case SAMPLE_END -> {
        path(event.getSample()).end = event.getSampleEnd();
        advance();
      }
      case FINAL -> printFinal(event.getFinal());
      case EVENT_NOT_SET -> {}
    }
  }

  private Path path(int sample) {
    while (paths.size() <= sample) {
      paths.add(new Path());
    }
    return paths.get(sample);
  }

  /** Shows what has become the turn of the path that is being shown. */
  private void advance() {
    while (shown < paths.size()) {
      Path path = paths.get(shown);
      if (path.held.length() > 0) {
        if (!path.started && several) {
          terminal.out().println(terminal.styled(Style.DIM, "path " + (shown + 1)));
        }
        path.started = true;
        terminal.out().print(printable(path.held.toString()));
        terminal.out().flush();
        path.held.setLength(0);
      }
      if (path.end == null) {
        return;
      }
      terminal.out().println();
      if (path.end.getDistributionCount() > 0) {
        terminal.out().println(bar(path.end.getDistributionList()));
      }
      terminal.out().println();
      shown++;
    }
  }

  private void printJudgment(ScoredItem item) {
    String tier = ScoreReport.tier(item.getTier()).render(terminal);
    terminal
        .out()
        .println(
            bar(item.getDistributionList())
                + String.format(
                    Locale.ROOT,
                    "  %s  %s  grade %.2f",
                    terminal.styled(Style.BOLD, item.getLabel()),
                    tier,
                    item.getExpectedGrade()));
    for (LabelProbability label : item.getDistributionList()) {
      terminal
          .out()
          .println(
              String.format(
                  Locale.ROOT, "  %6.2f%%  %s", 100 * label.getProbability(), label.getLabel()));
    }
    terminal.out().println();
  }

  private String bar(List<LabelProbability> distribution) {
    double[] probabilities =
        distribution.stream().mapToDouble(LabelProbability::getProbability).toArray();
    Cell bar = GradeBar.of(probabilities, BAR_CELLS);
    return bar.render(terminal);
  }

  private void printFinal(Final end) {
    double decode = end.getDecode().getSeconds() + end.getDecode().getNanos() * 1e-9;
    String rate =
        decode > 0
            ? String.format(Locale.ROOT, ", %.1f tokens/s", end.getGeneratedTokens() / decode)
            : "";
    String line =
        String.format(
            Locale.ROOT,
            "%d prompt tokens, %d reasoning tokens%s, ended by %s, seed %s",
            end.getPromptTokens(),
            end.getGeneratedTokens(),
            rate,
            end.getFinishReason().name().toLowerCase(Locale.ROOT).replace('_', ' '),
            Long.toUnsignedString(end.getSeed()));
    terminal.out().println(terminal.styled(Style.DIM, line));
  }

  /** A model's text without control characters, which could move the cursor or worse. */
  private static String printable(String text) {
    return text.replaceAll("[\\p{Cntrl}&&[^\\n\\t]]", "");
  }
}
