/**
 * What the server counts.
 *
 * <p>Types: every other package adds to one {@link dev.gavel.server.observability.ServerStats};
 * readers take a {@link dev.gavel.server.observability.ServerStats.Snapshot}. What belongs to one
 * device goes through its {@link dev.gavel.server.observability.DeviceStats}.
 *
 * <p>Threads: any.
 */
package dev.gavel.server.observability;
