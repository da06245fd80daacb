package dev.gavel.examples;

import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.Sampling;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/**
 * One judgment with its reasons, token by token. The verdict is the first event; who needs no more
 * stops reading, and the server stops computing.
 *
 * <pre>java ... dev.gavel.examples.ExplainExample unix:/run/gavel/gavel.sock</pre>
 */
public final class ExplainExample {
  private ExplainExample() {}

  public static void main(String[] args) {
    ExplainRequest request =
        ExplainRequest.newBuilder()
            .setQuery("what do I need to descale a coffee machine")
            .setItem(Item.newBuilder().setText("Citric acid powder, food grade, 1 kg"))
            .setSampling(Sampling.newBuilder().setSeed(7).setMaxTokens(120))
            .build();
    try (Connection connection = Connection.open(args[0])) {
      Iterator<ExplainEvent> events =
          RelevanceGrpc.newBlockingStub(connection.channel())
              .withDeadlineAfter(60, TimeUnit.SECONDS)
              .explain(request);
      while (events.hasNext()) {
        System.out.print(text(events.next()));
        System.out.flush();
      }
    }
  }

  static String text(ExplainEvent event) {
    return switch (event.getEventCase()) {
      case VERDICT ->
          event.getVerdict().getItem().getLabel()
              + " "
              + event.getVerdict().getItem().getTier()
              + "\n";
      case TOKEN -> event.getToken().getText();
      case FINAL -> "\n" + event.getFinal().getGeneratedTokens() + " tokens\n";
      default -> "";
    };
  }
}
