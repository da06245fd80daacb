/**
 * What the server counts.
 *
 * <p>Types: every other package adds to one {@link dev.gavel.server.observability.ServerStats};
 * readers take a {@link dev.gavel.server.observability.ServerStats.Snapshot}.
 *
 * <p>Threads: any.
 */
package dev.gavel.server.observability;
