package dev.gavel.server.api;

import com.google.protobuf.MessageLite;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import io.grpc.Attributes;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import io.grpc.ServerCall;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers requests that are no message of their type, or too large, with INVALID_ARGUMENT and our
 * details. gRPC itself would close such a call as UNKNOWN, as if the fault were ours.
 */
final class ParseGuard {
  /** A message, or why there is none. */
  private record Parsed<T>(T message, FaultException fault) {}

  private ParseGuard() {}

  static ServerServiceDefinition guard(ServerServiceDefinition service, int bytesMax) {
    ServiceDescriptor original = service.getServiceDescriptor();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(original.getName())
            .setSchemaDescriptor(original.getSchemaDescriptor());
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
      ServerMethodDefinition<?, ?> guarded = guard(method, bytesMax);
      methods.add(guarded);
      descriptor.addMethod(guarded.getMethodDescriptor());
    }
    ServerServiceDefinition.Builder builder = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(builder::addMethod);
    return builder.build();
  }

  private static <Q, R> ServerMethodDefinition<Parsed<Q>, R> guard(
      ServerMethodDefinition<Q, R> method, int bytesMax) {
    MethodDescriptor<Q, R> plain = method.getMethodDescriptor();
    MethodDescriptor<Parsed<Q>, R> guarded =
        plain.toBuilder(
                new ParsedMarshaller<>(plain.getRequestMarshaller(), bytesMax),
                plain.getResponseMarshaller())
            .build();
    return ServerMethodDefinition.create(
        guarded,
        (call, headers) ->
            new GuardedListener<>(
                call,
                method.getServerCallHandler().startCall(new PlainCall<>(call, plain), headers)));
  }

  private record ParsedMarshaller<T>(MethodDescriptor.Marshaller<T> plain, int bytesMax)
      implements MethodDescriptor.Marshaller<Parsed<T>> {
    @Override
    public InputStream stream(Parsed<T> value) {
      return plain.stream(value.message());
    }

    @Override
    public Parsed<T> parse(InputStream stream) {
      try {
        boolean known = stream instanceof KnownLength; // not so where it was compressed
        if (known && stream.available() > bytesMax) {
          return tooLarge(stream.available() + " bytes");
        }
        T message = plain.parse(stream);
        int bytes = !known && message instanceof MessageLite m ? m.getSerializedSize() : 0;
        return bytes > bytesMax ? tooLarge(bytes + " bytes") : new Parsed<>(message, null);
      } catch (StatusRuntimeException | IOException e) {
        if (Status.fromThrowable(e).getCode() == Status.Code.RESOURCE_EXHAUSTED) {
          return tooLarge("more than are unpacked");
        }
        Throwable reason = e.getCause() == null ? e : e.getCause();
        return new Parsed<>(
            null,
            FaultException.of(
                Fault.MALFORMED_MESSAGE,
                "request: expected a message of this method, found bytes that are none: "
                    + reason.getMessage()));
      }
    }

    private Parsed<T> tooLarge(String found) {
      return new Parsed<>(
          null,
          FaultException.of(
              Fault.REQUEST_TOO_LARGE,
              "request: expected at most " + bytesMax + " bytes, found " + found));
    }
  }

  /** Passes messages on; ends the call at the first that is none. */
  private static final class GuardedListener<Q, R> extends ServerCall.Listener<Parsed<Q>> {
    private final ServerCall<Parsed<Q>, R> call;
    private final ServerCall.Listener<Q> plain;
    private boolean ended;

    GuardedListener(ServerCall<Parsed<Q>, R> call, ServerCall.Listener<Q> plain) {
      this.call = call;
      this.plain = plain;
    }

    @Override
    public void onMessage(Parsed<Q> parsed) {
      if (ended) {
        return;
      }
      if (parsed.fault() == null) {
        plain.onMessage(parsed.message());
        return;
      }
      ended = true;
      plain.onCancel(); // before closing: a stream's answers to other requests must not come after
      StatusRuntimeException error = ErrorTable.exception(parsed.fault());
      call.close(error.getStatus(), error.getTrailers());
    }

    @Override
    public void onHalfClose() {
      if (!ended) {
        plain.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      if (!ended) {
        plain.onCancel();
      }
    }

    @Override
    public void onComplete() {
      if (!ended) {
        plain.onComplete();
      }
    }

    @Override
    public void onReady() {
      if (!ended) {
        plain.onReady();
      }
    }
  }

  /** The call as the handler expects it. */
  private static final class PlainCall<Q, R> extends ServerCall<Q, R> {
    private final ServerCall<Parsed<Q>, R> call;
    private final MethodDescriptor<Q, R> method;

    PlainCall(ServerCall<Parsed<Q>, R> call, MethodDescriptor<Q, R> method) {
      this.call = call;
      this.method = method;
    }

    @Override
    public void request(int messages) {
      call.request(messages);
    }

    @Override
    public void sendHeaders(Metadata headers) {
      call.sendHeaders(headers);
    }

    @Override
    public void sendMessage(R message) {
      call.sendMessage(message);
    }

    @Override
    public boolean isReady() {
      return call.isReady();
    }

    @Override
    public void close(Status status, Metadata trailers) {
      call.close(status, trailers);
    }

    @Override
    public boolean isCancelled() {
      return call.isCancelled();
    }

    @Override
    public void setMessageCompression(boolean enabled) {
      call.setMessageCompression(enabled);
    }

    @Override
    public void setCompression(String compressor) {
      call.setCompression(compressor);
    }

    @Override
    public void setOnReadyThreshold(int bytes) {
      call.setOnReadyThreshold(bytes);
    }

    @Override
    public SecurityLevel getSecurityLevel() {
      return call.getSecurityLevel();
    }

    @Override
    public Attributes getAttributes() {
      return call.getAttributes();
    }

    @Override
    public String getAuthority() {
      return call.getAuthority();
    }

    @Override
    public MethodDescriptor<Q, R> getMethodDescriptor() {
      return method;
    }
  }
}
