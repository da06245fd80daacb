/**
 * What the server counts, and what the driver says of its GPUs.
 *
 * <p>Types: every other package adds to one {@link dev.gavel.server.observability.ServerStats}, of
 * which anybody reads. What belongs to one device goes through its {@link
 * dev.gavel.server.observability.DeviceStats}.
 *
 * <p>{@link dev.gavel.server.observability.DeviceMonitor} → {@link
 * dev.gavel.server.observability.GpuReading}: {@code NvmlMonitor} reads them through {@code Nvml}.
 *
 * <p>Threads: any counts; one at a time monitors.
 */
package dev.gavel.server.observability;
