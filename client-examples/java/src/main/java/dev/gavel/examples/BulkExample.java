package dev.gavel.examples;

import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Many queries over one ScoreStream call. Requests go out as fast as the server takes them and no
 * faster; answers come as they finish and are matched by request_id.
 *
 * <pre>java ... dev.gavel.examples.BulkExample 127.0.0.1:8980</pre>
 */
public final class BulkExample {
  private BulkExample() {}

  public static void main(String[] args) throws Exception {
    List<String> queries = List.of("red shoes", "usb c charger", "tent for two");
    Iterator<ScoreRequest> requests =
        IntStream.range(0, queries.size())
            .mapToObj(i -> request(Integer.toString(i), queries.get(i)))
            .iterator();
    try (Connection connection = Connection.open(args[0])) {
      score(RelevanceGrpc.newStub(connection.channel()), requests, BulkExample::print).get();
    }
  }

  private static ScoreRequest request(String id, String query) {
    return ScoreRequest.newBuilder()
        .setRequestId(id)
        .setQuery(query)
        .addItems(Item.newBuilder().setText("Red canvas sneakers"))
        .addItems(Item.newBuilder().setText("65 W USB-C charger"))
        .build();
  }

  private static void print(ScoreResponse response) {
    if (response.hasStatus()) { // this request failed; the stream goes on
      System.out.println(response.getRequestId() + "  " + response.getStatus().getMessage());
    } else {
      response
          .getItemsList()
          .forEach(
              item -> System.out.println(response.getRequestId() + "  " + ScoreExample.line(item)));
    }
  }

  /** Sends all requests and hands over every answer; the future ends with the stream. */
  static CompletableFuture<Void> score(
      RelevanceGrpc.RelevanceStub stub,
      Iterator<ScoreRequest> requests,
      Consumer<ScoreResponse> answers) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    stub.scoreStream(
        new ClientResponseObserver<ScoreRequest, ScoreResponse>() {
          private boolean completed;

          @Override
          public void beforeStart(ClientCallStreamObserver<ScoreRequest> call) {
            call.setOnReadyHandler(() -> send(call));
          }

          /** Flow control: runs whenever the transport has room again. */
          private void send(ClientCallStreamObserver<ScoreRequest> call) {
            while (call.isReady() && requests.hasNext()) {
              call.onNext(requests.next());
            }
            if (!requests.hasNext() && !completed) {
              completed = true;
              call.onCompleted();
            }
          }

          @Override
          public void onNext(ScoreResponse response) {
            answers.accept(response);
          }

          @Override
          public void onError(Throwable problem) {
            done.completeExceptionally(problem);
          }

          @Override
          public void onCompleted() {
            done.complete(null);
          }
        });
    return done;
  }
}
