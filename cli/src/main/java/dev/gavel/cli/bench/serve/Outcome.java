package dev.gavel.cli.bench.serve;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;

/**
 * How a call ended.
 *
 * @param reason the server's, or empty: ErrorInfo.reason
 */
record Outcome(Status.Code code, String reason) {
  static final Outcome OK = new Outcome(Status.Code.OK, "");

  static Outcome of(Throwable failure) {
    return new Outcome(Status.fromThrowable(failure).getCode(), reason(failure));
  }

  private static String reason(Throwable failure) {
    com.google.rpc.Status status = StatusProto.fromThrowable(failure);
    if (status == null) {
      return "";
    }
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class).getReason();
        }
      }
      return "";
    } catch (InvalidProtocolBufferException e) {
      return "";
    }
  }

  /** The server said at once that it would not. */
  boolean isRefusal() {
    return code == Status.Code.RESOURCE_EXHAUSTED
        || code == Status.Code.UNAVAILABLE
        || reason.equals("DEADLINE_UNREACHABLE");
  }

  /** Accepted, and not answered in time. */
  boolean isLate() {
    return code == Status.Code.DEADLINE_EXCEEDED && !isRefusal();
  }

  @Override
  public String toString() {
    return reason.isEmpty() ? code.name() : code.name() + " " + reason;
  }
}
