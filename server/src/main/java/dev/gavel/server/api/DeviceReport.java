package dev.gavel.server.api;

import dev.gavel.server.observability.GpuReading;
import dev.gavel.server.scheduling.DeviceState;

/**
 * What {@code GetModel} says of a device.
 *
 * @param state null: a GPU that the server does not use
 * @param gpu null: no GPU, or none that the driver knows
 */
public record DeviceReport(DeviceState state, GpuReading gpu) {}
