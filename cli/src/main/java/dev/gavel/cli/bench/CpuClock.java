package dev.gavel.cli.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** What this process has computed, for measurements on machines that others use too. */
final class CpuClock {
  private CpuClock() {}

  /** Nanoseconds of all threads of this process, in steps of 10 ms. */
  static long nanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
