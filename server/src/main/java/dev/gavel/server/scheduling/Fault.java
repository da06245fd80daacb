package dev.gavel.server.scheduling;

/**
 * Every way a request can fail. The names go over the wire as ErrorInfo.reason and never change;
 * which gRPC code each gets is decided in one table, in {@code server.api}.
 */
public enum Fault {
  /** The request breaks a rule of the contract. */
  INVALID_REQUEST,
  /** The bytes are no message of the expected type, for example because text is not UTF-8. */
  MALFORMED_MESSAGE,
  /** The message has more bytes than the server accepts. */
  REQUEST_TOO_LARGE,
  /** One item cannot be judged; its neighbours can. */
  ITEM_REFUSED,
  /** No model of that name is served. */
  UNKNOWN_MODEL,
  /** The Score queue is full. */
  QUEUE_FULL,
  /** Too many explanations are waiting or running. */
  EXPLAIN_QUEUE_FULL,
  /** The explanation needs more KV memory than the server has in all. */
  KV_POOL_TOO_SMALL,
  /** The server is shutting down. */
  DRAINING,
  /** The deadline passed. */
  DEADLINE_PASSED,
  /** The deadline would pass before the work that is already queued is done. */
  DEADLINE_UNREACHABLE,
  /** The caller did not read the explanation for too long. */
  READER_TOO_SLOW,
  /** The caller left. */
  CANCELLED,
  /** The engine failed the batch. */
  ENGINE_FAILED,
  /** The device that held the request failed before computing it, or no device works. */
  DEVICE_FAILED,
  /** A bug. */
  INTERNAL
}
