package dev.gavel.relevance.tokenizer;

import dev.gavel.relevance.TokenStream;
import java.util.List;

/**
 * The streaming decoder: tokens to bytes, bytes to characters, characters past the stop texts. Each
 * token costs its own length, whatever came before.
 */
final class StreamDecoder implements TokenStream {
  private final TokenBytes tokens;
  private final Utf8Decoder utf8 = new Utf8Decoder();
  private final StopMatcher stops;
  private boolean started;

  StreamDecoder(TokenBytes tokens, List<String> stops) {
    this.tokens = tokens;
    this.stops = new StopMatcher(stops);
  }

  @Override
  public String push(int token) {
    if (stops.stopped()) {
      return "";
    }
    byte[] bytes = started ? tokens.of(token) : tokens.first(token);
    started = true;
    return stops.add(utf8.add(bytes));
  }

  @Override
  public boolean stopped() {
    return stops.stopped();
  }

  @Override
  public String flush() {
    if (stops.stopped()) {
      return "";
    }
    String last = stops.add(utf8.finish());
    return stops.stopped() ? last : last + stops.finish();
  }
}
