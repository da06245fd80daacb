package dev.gavel.server.scheduling;

import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * How fast the devices that serve get through rows together. A device that has not computed yet is
 * taken for as fast as the mean of the others. Any thread.
 */
final class FleetRate {
  /** A device's rate, and whether it serves. */
  record Member(RowRate rate, BooleanSupplier serves) {}

  /** All rates at one time. */
  private record Sum(int serving, int known, double perSecond, double deviation) {
    /** Rows per second of one device in the mean. */
    double each() {
      return perSecond / known;
    }

    double all() {
      return each() * serving;
    }
  }

  private final List<Member> members;

  FleetRate(List<Member> members) {
    this.members = List.copyOf(members);
  }

  /** Of one device that always serves. */
  static FleetRate of(RowRate rate) {
    return new FleetRate(List.of(new Member(rate, () -> true)));
  }

  boolean anyServes() {
    return members.stream().anyMatch(member -> member.serves.getAsBoolean());
  }

  private Sum sum() {
    int serving = 0;
    int known = 0;
    double perSecond = 0;
    double deviation = 0; // weighted by rate
    for (Member member : members) {
      if (member.serves.getAsBoolean()) {
        serving++;
        RowRate.Known rate = member.rate.known();
        known += rate.perSecond() > 0 ? 1 : 0;
        perSecond += rate.perSecond();
        deviation += rate.perSecond() * rate.deviation();
      }
    }
    return new Sum(serving, known, perSecond, perSecond > 0 ? deviation / perSecond : 0);
  }

  /** Seconds that {@code rows} take in the mean, dealt out over all; 0 if unknown. */
  double secondsFor(double rows) {
    Sum sum = sum();
    return sum.known > 0 ? rows / sum.all() : 0;
  }

  /**
   * Seconds after which a call is nearly always done; 0 if unknown. What is queued is dealt out
   * over all devices, so that the shortest queue is at most the mean of all; the call itself is
   * computed by one, unless that is idle.
   *
   * @param queuedRows before it, on all devices
   * @param ownRows of the call
   */
  double cautiousSecondsFor(double queuedRows, double ownRows) {
    Sum sum = sum();
    return sum.known > 0
        ? (queuedRows / sum.all() + ownRows / sum.each()) * (1 + RowRate.DEVIATIONS * sum.deviation)
        : 0;
  }
}
