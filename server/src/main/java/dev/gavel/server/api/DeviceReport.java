package dev.gavel.server.api;

import dev.gavel.server.observability.GpuReading;
import dev.gavel.server.scheduling.DeviceState;
import java.util.List;

/**
 * What {@code GetModel} says of a device.
 *
 * @param state null: a GPU that the server does not use
 * @param gpus of which it is made, as far as the driver knows them
 */
public record DeviceReport(DeviceState state, List<GpuReading> gpus) {}
