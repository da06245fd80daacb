package dev.gavel.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ErrorTableTest {
  private static final Set<Code> CONTRACT =
      Set.of(
          Code.INVALID_ARGUMENT,
          Code.RESOURCE_EXHAUSTED,
          Code.UNAVAILABLE,
          Code.DEADLINE_EXCEEDED,
          Code.NOT_FOUND,
          Code.INTERNAL);

  @ParameterizedTest
  @EnumSource(Fault.class)
  void everyFaultHasACodeOfTheContractAndAReason(Fault fault) throws Exception {
    Status status = ErrorTable.status(FaultException.of(fault, "found nothing"));
    assertTrue(
        CONTRACT.contains(Code.forNumber(status.getCode())) || fault == Fault.CANCELLED,
        fault.name());
    ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
    assertEquals("gavel.dev", info.getDomain());
    assertEquals(fault.name(), info.getReason());
    assertEquals("found nothing", status.getMessage());
  }

  @Test
  void details() throws Exception {
    Status retry = ErrorTable.status(FaultException.retryable(Fault.QUEUE_FULL, "full", 1_250));
    RetryInfo info = retry.getDetails(1).unpack(RetryInfo.class);
    assertEquals(1, info.getRetryDelay().getSeconds());
    assertEquals(250_000_000, info.getRetryDelay().getNanos());
    Status bad =
        ErrorTable.status(ErrorTable.fault(new InvalidRequestException("query", "too long")));
    BadRequest.FieldViolation violation =
        bad.getDetails(1).unpack(BadRequest.class).getFieldViolations(0);
    assertEquals("query", violation.getField());
    assertEquals("too long", violation.getDescription());
  }

  @Test
  void unexpectedExceptionsDoNotLeak() {
    FaultException fault = ErrorTable.fault(new IllegalStateException("secret path"));
    assertEquals(Fault.INTERNAL, fault.fault());
    assertEquals("internal error", fault.getMessage());
  }
}
