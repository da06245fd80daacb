package dev.gavel.server.fake;

import dev.gavel.relevance.TokenStream;
import java.util.List;

/** Holds back what may be the beginning of a stop text. */
final class FakeTokenStream implements TokenStream {
  private final List<String> stops;
  private String held = "";
  private boolean stopped;

  FakeTokenStream(List<String> stops) {
    this.stops = stops;
  }

  @Override
  public String push(int token) {
    held += Character.toString(token);
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0) {
        stopped = true;
        return take(at);
      }
    }
    int certain = held.length();
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > 0; n--) {
        if (held.endsWith(stop.substring(0, n))) {
          certain = Math.min(certain, held.length() - n);
        }
      }
    }
    return take(certain);
  }

  private String take(int count) {
    String taken = held.substring(0, count);
    held = held.substring(count);
    return taken;
  }

  @Override
  public boolean stopped() {
    return stopped;
  }

  @Override
  public String flush() {
    return stopped ? "" : take(held.length());
  }
}
