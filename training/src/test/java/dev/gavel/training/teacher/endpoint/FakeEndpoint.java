package dev.gavel.training.teacher.endpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A server on this machine that answers chat completions, or misbehaves as it is told to. */
public final class FakeEndpoint implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** What to do with one request. */
  interface Behaviour {
    void handle(HttpExchange exchange) throws IOException;
  }

  /** A request as it came. */
  record Heard(String path, String authorization, JsonNode body) {
    String user() {
      return body.path("messages").path(1).path("content").asText();
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Deque<Behaviour> next = new ArrayDeque<>();
  private final List<Heard> heard = new ArrayList<>();
  private final Function<String, String> answers;

  /**
   * @param answers by the user's message, once nothing else is to be done
   */
  public FakeEndpoint(Function<String, String> answers) throws IOException {
    this.answers = answers;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  synchronized FakeEndpoint then(Behaviour behaviour) {
    next.add(behaviour);
    return this;
  }

  /** The next request gets this status. */
  public FakeEndpoint thenStatus(int status, String... headers) {
    return then(
        exchange -> {
          for (int i = 0; i < headers.length; i += 2) {
            exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
          }
          send(exchange, status, "{\"error\": \"told to\"}");
        });
  }

  /** The next request gets this body with status 200. */
  FakeEndpoint thenBody(String body) {
    return then(exchange -> send(exchange, 200, body));
  }

  /** The next request gets its headers, and then nothing. */
  FakeEndpoint thenSilence() {
    return then(
        exchange -> {
          exchange.sendResponseHeaders(200, 100);
          exchange.getResponseBody().flush();
        });
  }

  synchronized List<Heard> heard() {
    return List.copyOf(heard);
  }

  /** Requests that came. */
  public int requests() {
    return heard().size();
  }

  private void handle(HttpExchange exchange) throws IOException {
    JsonNode body = MAPPER.readTree(exchange.getRequestBody().readAllBytes());
    Heard request =
        new Heard(
            exchange.getRequestURI().getPath(),
            exchange.getRequestHeaders().getFirst("Authorization"),
            body);
    Behaviour behaviour;
    synchronized (this) {
      heard.add(request);
      behaviour = next.poll();
    }
    if (behaviour != null) {
      behaviour.handle(exchange);
    } else {
      send(exchange, 200, completion(answers.apply(request.user())));
    }
  }

  /** A completion that took 100 tokens. */
  static String completion(String text) {
    ObjectNode json = MAPPER.createObjectNode();
    json.putArray("choices").addObject().putObject("message").put("content", text);
    json.putObject("usage").put("total_tokens", 100);
    return json.toString();
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
