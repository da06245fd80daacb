package dev.gavel.cli.demo;

import dev.gavel.cli.ExplainReport;
import dev.gavel.cli.ScoreReport;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.terminal.Style;
import dev.gavel.cli.terminal.Terminal;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Sampling;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import java.io.PrintStream;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;

/** What the demo shows, whoever answers. */
final class DemoTour {
  private static final int EXPLAIN_TOKENS = 128;
  private static final long SEED = 7;

  private final Terminal terminal;
  private final PrintStream out;

  DemoTour(Terminal terminal) {
    this.terminal = terminal;
    this.out = terminal.out();
  }

  void run(Sidecar sidecar, List<DemoQuery> queries) {
    ScoreReport report = new ScoreReport(terminal);
    long start = System.nanoTime();
    int pairs = 0;
    for (DemoQuery query : queries) {
      ScoreResponse response = score(sidecar, query);
      if (pairs == 0) {
        out.println(ScoreReport.describe(response.getModel()));
        out.println();
        report.legend(response.getItemsList());
      }
      pairs += response.getItemsCount();
      out.println(
          terminal.styled(Style.BOLD, query.query())
              + terminal.styled(Style.DIM, "   (" + query.kind() + ")"));
      report.table(query.items(), response.getItemsList()).indent(2).print(terminal);
      out.println();
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    out.println(
        terminal.styled(
            Style.DIM,
            String.format(
                Locale.ROOT,
                "%d queries, %d products in %.1f s: %.1f pairs/s, one call at a time",
                queries.size(),
                pairs,
                seconds,
                pairs / seconds)));
    out.println();
    explain(sidecar, queries.get(0));
  }

  private static ScoreResponse score(Sidecar sidecar, DemoQuery query) {
    return sidecar.score(
        ScoreRequest.newBuilder().setQuery(query.query()).addAllItems(query.items()).build());
  }

  private void explain(Sidecar sidecar, DemoQuery query) {
    out.println(terminal.styled(Style.BOLD, "Why? One explanation, token by token"));
    out.println("  query    " + query.query());
    out.println("  product  " + query.items().get(0).getTitle());
    out.println();
    ExplainRequest request =
        ExplainRequest.newBuilder()
            .setQuery(query.query())
            .setItem(query.items().get(0))
            .setSampling(Sampling.newBuilder().setSeed(SEED).setMaxTokens(EXPLAIN_TOKENS))
            .build();
    ExplainReport report = new ExplainReport(terminal, 1);
    Iterator<ExplainEvent> events = sidecar.explain(request);
    while (events.hasNext()) {
      report.accept(events.next());
    }
    out.println();
  }
}
