package dev.gavel.cli;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.RetryInfo;
import dev.gavel.engine.EngineException;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.training.data.DataFormatException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/** What the user sees of an exception: one line and an exit code. */
public record Failure(int exitCode, String line) {

  public static Failure of(Throwable thrown) {
    if (thrown instanceof CliException e) {
      return new Failure(e.exitCode(), oneLine(e.getMessage()));
    }
    if (thrown instanceof StatusRuntimeException e) {
      return ofStatus(e);
    }
    if (thrown instanceof ModelFormatException
        || thrown instanceof InvalidRequestException
        || thrown instanceof DataFormatException) {
      return new Failure(ExitCode.DATA, oneLine(thrown.getMessage()));
    }
    if (thrown instanceof EngineException e) {
      return new Failure(exitCode(e.code()), oneLine(e.getMessage()));
    }
    if (thrown instanceof IOException e) {
      return new Failure(ExitCode.DATA, oneLine(ofFile(e)));
    }
    if (thrown instanceof UnsatisfiedLinkError) {
      return new Failure(
          ExitCode.UNAVAILABLE,
          "expected a library that this installation lacks (images without LibTorch cannot train): "
              + oneLine(thrown.getMessage()));
    }
    if (thrown instanceof OutOfMemoryError) {
      return new Failure(
          ExitCode.UNAVAILABLE, "expected more memory than there is: " + thrown.getMessage());
    }
    return new Failure(
        ExitCode.INTERNAL,
        "internal error, please report it (--debug shows where): " + oneLine(thrown.toString()));
  }

  private static Failure ofStatus(StatusRuntimeException e) {
    Status status = e.getStatus();
    StringBuilder line = new StringBuilder();
    line.append(status.getCode().name().toLowerCase(Locale.ROOT).replace('_', ' '));
    Throwable cause = status.getCause();
    if (status.getCode() == Status.Code.UNAVAILABLE && cause != null) {
      line.append(": expected a server that answers, found: ").append(cause.getMessage());
    } else if (status.getDescription() != null) {
      line.append(": ").append(status.getDescription());
    }
    appendDetails(line, e);
    return new Failure(ExitCode.of(status.getCode()), oneLine(line.toString()));
  }

  /** Field violations and the time to wait, where the description does not already say so. */
  private static void appendDetails(StringBuilder line, StatusRuntimeException e) {
    com.google.rpc.Status details = StatusProto.fromThrowable(e);
    if (details == null) {
      return;
    }
    for (com.google.protobuf.Any any : details.getDetailsList()) {
      try {
        if (any.is(BadRequest.class)) {
          for (var violation : any.unpack(BadRequest.class).getFieldViolationsList()) {
            if (line.indexOf(violation.getDescription()) < 0) {
              line.append("; ").append(violation.getField()).append(": ");
              line.append(violation.getDescription());
            }
          }
        } else if (any.is(RetryInfo.class)) {
          var delay = any.unpack(RetryInfo.class).getRetryDelay();
          double seconds = delay.getSeconds() + delay.getNanos() * 1e-9;
          line.append(String.format(Locale.ROOT, "; try again in %.3g s", seconds));
        }
      } catch (InvalidProtocolBufferException ignored) {
        // A detail that cannot be read adds nothing; the status itself has been shown.
      }
    }
  }

  private static int exitCode(EngineException.Code code) {
    return switch (code) {
      case OK -> ExitCode.OK;
      case INVALID_ARGUMENT, FAILED_PRECONDITION -> ExitCode.DATA;
      case UNAVAILABLE, RESOURCE_EXHAUSTED -> ExitCode.UNAVAILABLE;
      case CANCELLED -> ExitCode.TRY_AGAIN;
      case INTERNAL -> ExitCode.INTERNAL;
    };
  }

  private static String ofFile(IOException e) {
    if (e instanceof NoSuchFileException missing) {
      return missing.getFile() + ": expected a file or folder, found nothing there";
    }
    if (e instanceof AccessDeniedException denied) {
      return denied.getFile() + ": expected it to be accessible, found no permission";
    }
    if (e instanceof FileAlreadyExistsException existing) {
      return existing.getFile() + ": expected nothing there, found a file or folder";
    }
    if (e instanceof FileSystemException other && other.getReason() != null) {
      return other.getFile() + ": expected a path that can be used, found: " + other.getReason();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  private static String oneLine(String text) {
    return text == null ? "no message" : text.strip().replaceAll("\\s*[\\r\\n]+\\s*", " ");
  }
}
