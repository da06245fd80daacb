package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.server.observability.DeviceMonitor;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In int8 a score is the same to the last bit, however many devices compute. */
class SeveralDevicesBitsTest {
  private static final String[] WORDS = {"red", "shoe", "grün", "茶", "size 42", "x", "mug"};

  @TempDir static Path directory;

  @Test
  void oneOrThreeDevices() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    RandomModel.write(ModelShape.of("tiny"), directory, seed, DType.F32);
    List<ScoreRequest> requests = requests(new Random(seed));
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      List<ScoreResponse> one = answers(model, requests, 1);
      List<ScoreResponse> three = answers(model, requests, 3);
      for (int r = 0; r < requests.size(); r++) {
        for (int i = 0; i < requests.get(r).getItemsCount(); i++) {
          assertEquals(
              one.get(r).getItems(i).getDistributionList(),
              three.get(r).getItems(i).getDistributionList());
        }
      }
    }
  }

  private static List<ScoreRequest> requests(Random random) {
    List<ScoreRequest> requests = new ArrayList<>();
    for (int items : new int[] {207, 1, 13, 13, 64, 2, 207}) {
      ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(text(3, random));
      for (int i = 0; i < items; i++) {
        request.addItems(Item.newBuilder().setText(text(1 + random.nextInt(12), random)));
      }
      requests.add(request.build());
      requests.add(request.build());
    }
    return requests;
  }

  private static String text(int words, Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
    }
    return text.toString();
  }

  /** The first request alone, so that it finds all devices idle; then all others at once. */
  private static List<ScoreResponse> answers(
      RelevanceModel model, List<ScoreRequest> requests, int devices) throws Exception {
    EngineOptions options =
        EngineOptions.defaults()
            .withQuantization(Quantization.INT8)
            .withThreads(1)
            .withBatchTokensMax(600)
            .withBlocks(256);
    List<Engine> engines = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      engines.add(model.loadEngine(options));
    }
    ServerConfig config = ServerConfig.defaults().withoutSockets();
    try (GavelServer server = GavelServer.start(config, model, engines, DeviceMonitor.NONE)) {
      ManagedChannel channel = InProcessChannelBuilder.forName(server.inProcessName()).build();
      List<ScoreResponse> answers = new ArrayList<>();
      answers.add(RelevanceGrpc.newBlockingStub(channel).score(requests.get(0)));
      List<Future<ScoreResponse>> others = new ArrayList<>();
      for (ScoreRequest request : requests.subList(1, requests.size())) {
        others.add(RelevanceGrpc.newFutureStub(channel).score(request));
      }
      for (Future<ScoreResponse> other : others) {
        answers.add(other.get(60, TimeUnit.SECONDS));
      }
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      assertEquals(devices > 1, server.stats().get(Counter.SPREAD_REQUESTS) > 0);
      for (Engine engine : engines) {
        assertTrue(engine.info().tokens() > 0, "every device took part");
      }
      return answers;
    } finally {
      engines.forEach(Engine::close);
    }
  }
}
