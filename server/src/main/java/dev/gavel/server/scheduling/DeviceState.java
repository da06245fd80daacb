package dev.gavel.server.scheduling;

/**
 * A device and whether it takes calls.
 *
 * @param name as the metrics name it
 * @param problem why it takes none; null while it does
 */
public record DeviceState(String name, String problem) {
  public boolean serves() {
    return problem == null;
  }
}
