package dev.gavel.cli;

import io.grpc.Status;

/** Exit codes, after BSD's sysexits; documented in {@code docs/operations.md} and every --help. */
public final class ExitCode {
  public static final int OK = 0;

  /** The command line is wrong. */
  public static final int USAGE = 2;

  /** A model, a file or a request that cannot be used as it is. */
  public static final int DATA = 65;

  /** Something that is needed is not there: a server, a device, a library. */
  public static final int UNAVAILABLE = 69;

  /** Our fault. */
  public static final int INTERNAL = 70;

  /** Later it may work: overload, a deadline. */
  public static final int TRY_AGAIN = 75;

  private ExitCode() {}

  /** The exit code of a failed call. */
  public static int of(Status.Code code) {
    return switch (code) {
      case OK -> OK;
      case INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, OUT_OF_RANGE, ALREADY_EXISTS -> DATA;
      case UNAVAILABLE, UNIMPLEMENTED, UNAUTHENTICATED, PERMISSION_DENIED -> UNAVAILABLE;
      case RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, ABORTED, CANCELLED -> TRY_AGAIN;
      case INTERNAL, UNKNOWN, DATA_LOSS -> INTERNAL;
    };
  }
}
