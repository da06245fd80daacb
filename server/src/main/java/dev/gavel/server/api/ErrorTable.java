package dev.gavel.server.api;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one place where faults become gRPC codes and details. */
public final class ErrorTable {
  /** ErrorInfo.domain of every error. */
  public static final String DOMAIN = "gavel.dev";

  private static final Logger LOG = LoggerFactory.getLogger(ErrorTable.class);

  private ErrorTable() {}

  /** The code of a fault. */
  static Code code(Fault fault) {
    return switch (fault) {
      case INVALID_REQUEST, MALFORMED_MESSAGE, REQUEST_TOO_LARGE, ITEM_REFUSED ->
          Code.INVALID_ARGUMENT;
      case UNKNOWN_MODEL -> Code.NOT_FOUND;
      case QUEUE_FULL, EXPLAIN_QUEUE_FULL, KV_POOL_TOO_SMALL, READER_TOO_SLOW ->
          Code.RESOURCE_EXHAUSTED;
      case DRAINING, DEVICE_FAILED -> Code.UNAVAILABLE;
      case DEADLINE_PASSED, DEADLINE_UNREACHABLE -> Code.DEADLINE_EXCEEDED;
      case CANCELLED -> Code.CANCELLED;
      case ENGINE_FAILED, INTERNAL -> Code.INTERNAL;
    };
  }

  /**
   * The status with its details: always ErrorInfo, and BadRequest or RetryInfo where they apply.
   */
  public static Status status(FaultException fault) {
    Status.Builder status =
        Status.newBuilder()
            .setCode(code(fault.fault()).getNumber())
            .setMessage(fault.getMessage())
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setDomain(DOMAIN)
                        .setReason(fault.fault().name())
                        .build()));
    if (!fault.violations().isEmpty()) {
      BadRequest.Builder bad = BadRequest.newBuilder();
      for (FaultException.Violation violation : fault.violations()) {
        bad.addFieldViolationsBuilder()
            .setField(violation.field())
            .setDescription(violation.description());
      }
      status.addDetails(Any.pack(bad.build()));
    }
    if (fault.retryMillis() > 0) {
      status.addDetails(
          Any.pack(
              RetryInfo.newBuilder()
                  .setRetryDelay(Wire.duration(fault.retryMillis() / 1e3))
                  .build()));
    }
    return status.build();
  }

  /** The same, to be given to gRPC. */
  public static StatusRuntimeException exception(FaultException fault) {
    return StatusProto.toStatusRuntimeException(status(fault));
  }

  /** The fault behind any exception; an unexpected one is logged and becomes INTERNAL. */
  static FaultException fault(Throwable thrown) {
    if (thrown instanceof FaultException fault) {
      return fault;
    }
    if (thrown instanceof InvalidRequestException invalid) {
      return FaultException.invalid(invalid.field(), invalid.getMessage());
    }
    if (thrown instanceof RejectedExecutionException) {
      return FaultException.retryable(Fault.DRAINING, "the server is shutting down", 1_000);
    }
    LOG.error("unexpected failure of a call", thrown);
    return FaultException.of(Fault.INTERNAL, "internal error", thrown);
  }
}
