package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that no decent client sends, over real TCP: the right code, and the server lives on. */
class HostileRequestTest {
  private Harness harness;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    harness = Harness.with(Harness.config().withListen("127.0.0.1:0"));
    channel = harness.tcpChannel();
  }

  @AfterEach
  void livesOn() throws Exception {
    ScoreRequest request = Harness.request("still there", "yes").build();
    Harness.assertAnswers(request, RelevanceGrpc.newBlockingStub(channel).score(request));
    harness.close();
  }

  private StatusRuntimeException refused(ScoreRequest request) {
    return assertThrows(
        StatusRuntimeException.class, () -> RelevanceGrpc.newBlockingStub(channel).score(request));
  }

  @Test
  void empty() {
    StatusRuntimeException e = refused(ScoreRequest.getDefaultInstance());
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("INVALID_REQUEST", Harness.reason(e));
  }

  @Test
  void tenMegabytesOfText() {
    StatusRuntimeException e = refused(Harness.request("tea", "x".repeat(10 << 20)).build());
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("REQUEST_TOO_LARGE", Harness.reason(e));
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 40})
  void megabytesOfTextInAFewKilobytes(int megabytes) {
    ScoreRequest request = Harness.request("tea", "x".repeat(megabytes << 20)).build();
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () -> RelevanceGrpc.newBlockingStub(channel).withCompression("gzip").score(request));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("REQUEST_TOO_LARGE", Harness.reason(e));
  }

  @Test
  void moreThanTheTransportTakes() {
    // gRPC's own limit: a code, but no details.
    StatusRuntimeException e = refused(Harness.request("tea", "x".repeat(40 << 20)).build());
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
  }

  @Test
  void hugeQuery() {
    StatusRuntimeException e = refused(Harness.request("q".repeat(3 << 20), "a").build());
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
  }

  @Test
  void hugeItemIsTruncated() {
    ScoreRequest request = Harness.request("tea", "x".repeat(3 << 20)).build();
    assertEquals(
        (3 << 20) - 64,
        RelevanceGrpc.newBlockingStub(channel).score(request).getItems(0).getTruncatedTokens());
  }

  @Test
  void hundredThousandItems() {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery("tea");
    Item item = Item.newBuilder().setText("cup").build();
    for (int i = 0; i < 100_000; i++) {
      request.addItems(item);
    }
    StatusRuntimeException e = refused(request.build());
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("items: expected 1 to 1000 items, found 100000", e.getStatus().getDescription());
  }

  private enum Raw implements MethodDescriptor.Marshaller<byte[]> {
    BYTES;

    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private StatusRuntimeException refusedBytes(MethodDescriptor<?, ?> method, byte[] request) {
    MethodDescriptor<byte[], byte[]> raw = method.toBuilder(Raw.BYTES, Raw.BYTES).build();
    return assertThrows(
        StatusRuntimeException.class,
        () ->
            ClientCalls.blockingServerStreamingCall(channel, raw, CallOptions.DEFAULT, request)
                .forEachRemaining(bytes -> {}));
  }

  private static byte[] invalidText(int field) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.writeBytes(field, ByteString.copyFrom(new byte[] {'t', (byte) 0xC3, (byte) 0x28}));
    out.flush();
    return bytes.toByteArray();
  }

  @Test
  void textThatIsNotUtf8() throws IOException {
    for (int field : new int[] {1, 3, 4}) {
      StatusRuntimeException e = refusedBytes(RelevanceGrpc.getScoreMethod(), invalidText(field));
      assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
      assertEquals("MALFORMED_MESSAGE", Harness.reason(e));
    }
    StatusRuntimeException e = refusedBytes(RelevanceGrpc.getExplainMethod(), invalidText(1));
    assertEquals("MALFORMED_MESSAGE", Harness.reason(e));
    e = refusedBytes(RelevanceGrpc.getScoreStreamMethod(), invalidText(1));
    assertEquals("MALFORMED_MESSAGE", Harness.reason(e));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 13, 207, 1000})
  void bytesThatAreNoMessage(int length) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) 0xFF);
    StatusRuntimeException e = refusedBytes(RelevanceGrpc.getScoreMethod(), bytes);
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("MALFORMED_MESSAGE", Harness.reason(e));
  }

  @Test
  void unpairedSurrogatesAndControlCharactersInAModelName() {
    StatusRuntimeException e =
        refused(
            Harness.request("tea", "a").setModel("\n\u0000\u001b[31m" + "m".repeat(999)).build());
    assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
  }

  @Test
  void hugeDeadline() {
    ScoreRequest request = Harness.request("tea", "a").build();
    RelevanceGrpc.RelevanceBlockingStub stub = RelevanceGrpc.newBlockingStub(channel);
    Harness.assertAnswers(
        request, stub.withDeadlineAfter(Long.MAX_VALUE, TimeUnit.DAYS).score(request));
    Harness.assertAnswers(request, withTimeoutHeader("99999999H").score(request));
  }

  private RelevanceGrpc.RelevanceBlockingStub withTimeoutHeader(String value) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER), value);
    return RelevanceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  @Test
  void zeroDeadline() {
    ScoreRequest request = Harness.request("tea", "a").build();
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                RelevanceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(0, TimeUnit.NANOSECONDS)
                    .score(request));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, e.getStatus().getCode());
    // Past the client's own check: the server sees a deadline of 0. gRPC resets such a call itself.
    e = assertThrows(StatusRuntimeException.class, () -> withTimeoutHeader("0n").score(request));
    Status.Code code = e.getStatus().getCode();
    assertEquals(
        true,
        code == Status.Code.DEADLINE_EXCEEDED || code == Status.Code.CANCELLED,
        () -> "" + code);
    assertEquals(0, harness.engine.rows());
  }

  @Test
  void explainOutOfRange() {
    ExplainRequest.Builder request =
        ExplainRequest.newBuilder().setQuery("tea").setSamples(5).setOrderValue(17);
    request
        .getSamplingBuilder()
        .setTemperature(Float.NaN)
        .setTopK(-1)
        .setTopP(0)
        .setMaxTokens(49)
        .addStop("");
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                RelevanceGrpc.newBlockingStub(channel)
                    .explain(request.build())
                    .forEachRemaining(event -> {}));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals(
        java.util.List.of(
            "item",
            "samples",
            "order",
            "sampling.temperature",
            "sampling.top_k",
            "sampling.top_p",
            "sampling.max_tokens",
            "sampling.stop[0]"),
        Harness.detail(e, com.google.rpc.BadRequest.class).getFieldViolationsList().stream()
            .map(v -> v.getField())
            .toList());
  }
}
