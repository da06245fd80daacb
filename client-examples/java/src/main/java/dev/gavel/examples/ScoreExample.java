package dev.gavel.examples;

import dev.gavel.v1.Attribute;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import java.util.concurrent.TimeUnit;

/**
 * One query, some products, one deadline; every product has a status of its own.
 *
 * <pre>java ... dev.gavel.examples.ScoreExample unix:/run/gavel/gavel.sock</pre>
 */
public final class ScoreExample {
  private ScoreExample() {}

  public static void main(String[] args) {
    ScoreRequest request =
        ScoreRequest.newBuilder()
            .setQuery("men's hiking boots not leather")
            .addItems(
                Item.newBuilder()
                    .setId("sku-1")
                    .setTitle("Trail hiking boots, recycled mesh")
                    .addAttributes(Attribute.newBuilder().setName("upper").setValue("mesh")))
            .addItems(Item.newBuilder().setId("sku-2").setText("Full-grain leather boots for men"))
            .addItems(Item.newBuilder().setId("sku-3")) // empty: fails alone
            .build();
    try (Connection connection = Connection.open(args[0])) {
      ScoreResponse response =
          RelevanceGrpc.newBlockingStub(connection.channel())
              .withDeadlineAfter(500, TimeUnit.MILLISECONDS)
              .score(request);
      response.getItemsList().forEach(item -> System.out.println(line(item)));
    }
  }

  static String line(ScoredItem item) {
    return item.getStatus().getCode() == com.google.rpc.Code.OK_VALUE
        ? String.format(
            "%s  %s  %s  %.2f",
            item.getId(), item.getLabel(), item.getTier(), item.getExpectedGrade())
        : item.getId() + "  no judgment: " + item.getStatus().getMessage();
  }
}
