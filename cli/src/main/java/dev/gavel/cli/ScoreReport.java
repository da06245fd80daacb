package dev.gavel.cli;

import dev.gavel.cli.json.JsonView;
import dev.gavel.cli.terminal.Cell;
import dev.gavel.cli.terminal.GradeBar;
import dev.gavel.cli.terminal.Style;
import dev.gavel.cli.terminal.Table;
import dev.gavel.cli.terminal.Terminal;
import dev.gavel.v1.Item;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.ModelVersion;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.StageTimes;
import dev.gavel.v1.Tier;
import java.util.List;
import java.util.Locale;

/** Judgments for people: a table of product, grade bar, label and tier. */
public final class ScoreReport {
  private static final int BAR_CELLS = 20;
  private final Terminal terminal;

  public ScoreReport(Terminal terminal) {
    this.terminal = terminal;
  }

  void print(List<Item> items, ScoreResponse response, boolean tokens) {
    legend(response.getItemsList());
    table(items, response.getItemsList()).print(terminal);
    terminal.out().println();
    terminal.out().println(terminal.styled(Style.DIM, footer(response)));
    if (tokens) {
      printTokens(response);
    }
  }

  /** Prints what the bars mean, once there is a distribution. */
  public void legend(List<ScoredItem> scored) {
    scored.stream()
        .filter(item -> item.getDistributionCount() > 0)
        .findFirst()
        .map(item -> item.getDistributionList().stream().map(LabelProbability::getLabel).toList())
        .ifPresent(labels -> terminal.out().println(line(GradeBar.legend(labels)) + "\n"));
  }

  /** One row an item, in request order. */
  public Table table(List<Item> items, List<ScoredItem> scored) {
    Table table = new Table(0, "product", "grades", "label", "tier", "grade");
    for (int i = 0; i < scored.size(); i++) {
      table.row(row(title(items.get(i)), scored.get(i)));
    }
    return table;
  }

  private static Cell[] row(String title, ScoredItem item) {
    if (item.getDistributionCount() == 0) {
      String problem = JsonView.statusName(item.getStatus().getCode());
      return new Cell[] {
        Cell.of(title),
        Cell.of("-", Style.DIM),
        Cell.of(problem + ": " + item.getStatus().getMessage(), Style.RED),
        Cell.of(""),
        Cell.of("")
      };
    }
    double[] probabilities =
        item.getDistributionList().stream().mapToDouble(LabelProbability::getProbability).toArray();
    return new Cell[] {
      Cell.of(title + (item.getTruncatedTokens() > 0 ? " [cut]" : "")),
      GradeBar.of(probabilities, BAR_CELLS),
      Cell.of(item.getLabel()),
      tier(item.getTier()),
      Cell.of(String.format(Locale.ROOT, "%.2f", item.getExpectedGrade()))
    };
  }

  /** A tier in its colour. */
  public static Cell tier(Tier tier) {
    return switch (tier) {
      case GOOD -> Cell.of("GOOD", Style.GREEN);
      case MID -> Cell.of("MID", Style.YELLOW);
      case BAD -> Cell.of("BAD", Style.RED);
      default -> Cell.of("?");
    };
  }

  private static String title(Item item) {
    return item.getText().isEmpty() ? item.getTitle() : item.getText();
  }

  private static String footer(ScoreResponse response) {
    StageTimes times = response.getTimes();
    return String.format(
        Locale.ROOT,
        "%s · tokenize %.1f ms, queue %.1f ms, prefill %.1f ms, head %.1f ms",
        describe(response.getModel()),
        millis(times.getTokenize()),
        millis(times.getQueue()),
        millis(times.getPrefill()),
        millis(times.getHead()));
  }

  /** A model version in a few words. */
  public static String describe(ModelVersion model) {
    return String.format(
        "%s %s, %s on %s",
        model.getName(), model.getVersion(), model.getQuantization(), model.getDevice());
  }

  private static double millis(com.google.protobuf.Duration duration) {
    return duration.getSeconds() * 1e3 + duration.getNanos() * 1e-6;
  }

  private void printTokens(ScoreResponse response) {
    terminal.out().println("prefix " + response.getPrefixTokensList());
    int index = 0;
    for (ScoredItem item : response.getItemsList()) {
      terminal.out().println("item " + index++ + " " + item.getSuffixTokensList());
    }
    for (var label : response.getLabelTokensList()) {
      terminal
          .out()
          .println(
              "label "
                  + label.getLabel()
                  + " "
                  + label.getFormsList().stream().map(form -> form.getTokensList()).toList());
    }
  }

  private String line(Cell cell) {
    return cell.render(terminal);
  }
}
