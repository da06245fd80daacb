package dev.gavel.cli.bench.serve;

import java.time.Duration;

/**
 * One part of a run.
 *
 * @param name as shown
 * @param rate arrivals per second, whatever the server does; 0: a closed loop, in which a call
 *     starts when another has ended
 * @param clients calls at once in a closed loop
 * @param seconds how long calls are sent
 * @param deadline of each call; zero: none
 */
record Phase(String name, double rate, int clients, double seconds, Duration deadline) {
  static Phase closed(String name, int clients, double seconds) {
    return new Phase(name, 0, clients, seconds, Duration.ZERO);
  }

  static Phase open(String name, double rate, double seconds, Duration deadline) {
    return new Phase(name, rate, 0, seconds, deadline);
  }

  boolean isOpen() {
    return rate > 0;
  }
}
