package dev.gavel.server;

import dev.gavel.server.observability.ServerStats;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** What {@code engine.device} and {@code engine.devices} may say. */
final class DeviceNames {
  static final String CPU = "cpu";

  private static final Pattern NAME = Pattern.compile("cpu|cuda(:[0-9]{1,4}([+][0-9]{1,4})*)?");

  private DeviceNames() {}

  /**
   * The device in its one spelling.
   *
   * @throws IllegalArgumentException if it can be none
   */
  static String canonical(String key, String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          key + ": expected cpu, cuda:N or cuda:N+M, found \"" + name + "\"");
    }
    String device = name.equals("cuda") ? "cuda:0" : name;
    claim(key, device, new HashSet<>());
    return device;
  }

  /**
   * Checks a list of devices: a processor may be named several times, a GPU once, and all are of
   * one kind, since a score must not depend on where it was computed.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static List<String> canonical(String key, List<String> names) {
    if (names.size() > ServerStats.DEVICES_MAX) {
      throw new IllegalArgumentException(
          key + ": expected at most " + ServerStats.DEVICES_MAX + ", found " + names.size());
    }
    List<String> devices = names.stream().map(name -> canonical(key, name)).toList();
    long processors = devices.stream().filter(CPU::equals).count();
    if (processors > 0 && processors < devices.size()) {
      throw new IllegalArgumentException(
          key
              + ": expected devices of one kind, since a score must not depend on where it is"
              + " computed; found "
              + devices);
    }
    Set<Integer> seen = new HashSet<>();
    devices.forEach(device -> claim(key, device, seen));
    return devices;
  }

  /** Notes the GPUs of a device, of which it may have several. */
  private static void claim(String key, String device, Set<Integer> seen) {
    if (device.equals(CPU)) {
      return;
    }
    for (String digits : device.substring("cuda:".length()).split("[+]")) {
      int index = Integer.parseInt(digits);
      if (!seen.add(index)) {
        throw new IllegalArgumentException(
            key + ": expected each GPU once, found cuda:" + index + " twice");
      }
    }
  }
}
