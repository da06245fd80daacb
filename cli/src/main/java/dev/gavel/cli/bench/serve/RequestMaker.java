package dev.gavel.cli.bench.serve;

import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Makes one request after the other. Belongs to one thread. */
final class RequestMaker {
  private final RequestShape shape;
  private final TextLengths lengths;
  private final SplittableRandom random;
  private final String[] hotQueries;
  private final Item[] hotItems;

  RequestMaker(RequestShape shape, TextLengths lengths, SplittableRandom random) {
    this.shape = shape;
    this.lengths = lengths;
    this.random = random;
    this.hotQueries =
        IntStream.range(0, shape.hotQueries()).mapToObj(i -> newQuery()).toArray(String[]::new);
    this.hotItems =
        IntStream.range(0, shape.hotItems()).mapToObj(i -> newItem()).toArray(Item[]::new);
  }

  ScoreRequest next() {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(query());
    int first = hotItems.length == 0 ? 0 : random.nextInt(hotItems.length);
    for (int i = 0; i < shape.items(); i++) {
      request.addItems(hotItems.length == 0 ? newItem() : hotItems[(first + i) % hotItems.length]);
    }
    return request.build();
  }

  private String query() {
    return hotQueries.length == 0 ? newQuery() : hotQueries[random.nextInt(hotQueries.length)];
  }

  private String newQuery() {
    return ProductText.of(lengths.queryChars(), random);
  }

  private Item newItem() {
    return Item.newBuilder().setText(ProductText.of(lengths.itemChars(), random)).build();
  }
}
