package dev.gavel.server.scheduling;

import dev.gavel.relevance.EncodedItem;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Where calls go. A call goes to the device that gets done with it first: the one with the fewest
 * rows before it and of its own, where what the device holds of the call's beginning does not
 * count. So a call follows its prefix, but never behind a queue that is longer than the shortest by
 * more rows than the prefix saves. Between equals the device goes first that was given the fewest
 * rows so far.
 *
 * <p>A large call that finds several devices without work is dealt out over them, item by item by
 * the same rule, each getting enough rows to be busy; where others have work too, it would only
 * compute its prefix several times.
 *
 * <p>One thread at a time, except that backlogs shrink at any time.
 */
final class Placement {
  /**
   * One device as it is seen from here.
   *
   * @param serves whether it takes calls
   */
  record Target(Backlog backlog, PrefixMemory memory, BooleanSupplier serves) {}

  /**
   * Some of a call's items on one device.
   *
   * @param items indices of items, ascending
   * @param rows to compute, about
   */
  record Part(int device, int[] items, long rows) {}

  private final List<Target> targets;
  private final int labelRows;
  private final int rowsEnough;

  /**
   * @param labelRows rows that each scored sequence adds to its tokens
   * @param rowsEnough rows that keep a device busy
   */
  Placement(List<Target> targets, int labelRows, int rowsEnough) {
    this.targets = List.copyOf(targets);
    this.labelRows = labelRows;
    this.rowsEnough = rowsEnough;
  }

  /** A call's beginnings as hashes: of the prefix, and of prefix and shared tokens per item. */
  private record Beginnings(ScoreJob.Work work, long prefix, long[] items) {
    static Beginnings of(ScoreJob.Work work) {
      long prefix = PrefixMemory.hash(PrefixMemory.START, work.prefix(), work.prefix().length);
      long[] items = new long[work.items().size()];
      for (int i = 0; i < items.length; i++) {
        EncodedItem item = work.items().get(i);
        items[i] = PrefixMemory.hash(prefix, item.suffix(), item.sharedTokens());
      }
      return new Beginnings(work, prefix, items);
    }

    /** Rows of the prefix on a device. */
    long prefixRows(PrefixMemory memory) {
      return memory.holds(prefix) ? 0 : work.prefix().length;
    }

    /** Rows of an item on a device, the label's not counted. */
    long itemRows(int item, PrefixMemory memory) {
      EncodedItem encoded = work.items().get(item);
      boolean held = encoded.sharedTokens() > 0 && memory.holds(items[item]);
      return encoded.suffix().length - (held ? encoded.sharedTokens() : 0);
    }

    void useOn(PrefixMemory memory, int[] chosen) {
      memory.use(prefix, work.prefix().length);
      for (int item : chosen) {
        memory.use(items[item], work.items().get(item).sharedTokens());
      }
    }
  }

  /**
   * The devices that a Score call goes to, and with which items; empty if none serves.
   *
   * @param maySpread whether it may be several
   */
  List<Part> place(ScoreJob.Work work, boolean maySpread) {
    int items = work.items().size();
    Beginnings beginnings = Beginnings.of(work);
    long[] own = new long[targets.size()];
    for (int d = 0; d < own.length; d++) {
      PrefixMemory memory = targets.get(d).memory;
      own[d] = beginnings.prefixRows(memory) + (long) items * labelRows;
      for (int i = 0; i < items; i++) {
        own[d] += beginnings.itemRows(i, memory);
      }
    }
    int first = soonest(own);
    if (first < 0) {
      return List.of();
    }
    List<Integer> several = maySpread ? idleBeside(first, own[first]) : List.of();
    List<Part> parts =
        several.size() > 1
            ? dealOut(beginnings, several)
            : List.of(new Part(first, IntStream.range(0, items).toArray(), own[first]));
    for (Part part : parts) {
      beginnings.useOn(targets.get(part.device).memory, part.items);
    }
    return parts;
  }

  /**
   * The device for work that stays whole.
   *
   * @param prompt what it begins with
   * @param prefixTokens of the prompt that other calls share
   * @param rows of the whole work
   * @return a part without items, or null if no device serves
   */
  Part place(int[] prompt, int prefixTokens, long rows) {
    long beginning = PrefixMemory.hash(PrefixMemory.START, prompt, prefixTokens);
    long[] own = new long[targets.size()];
    for (int d = 0; d < own.length; d++) {
      own[d] = rows - (targets.get(d).memory.holds(beginning) ? prefixTokens : 0);
    }
    int device = soonest(own);
    if (device < 0) {
      return null;
    }
    targets.get(device).memory.use(beginning, prefixTokens);
    return new Part(device, new int[0], own[device]);
  }

  /** The device that gets done first with so many more rows each, or -1 if none serves. */
  private int soonest(long[] own) {
    int best = -1;
    long bestRows = 0;
    long bestBefore = 0;
    for (int d = 0; d < own.length; d++) {
      Target target = targets.get(d);
      if (target.serves.getAsBoolean()) {
        long rows = target.backlog.rows() + own[d];
        long before = target.backlog.everAdded();
        if (best < 0 || rows < bestRows || rows == bestRows && before < bestBefore) {
          best = d;
          bestRows = rows;
          bestBefore = before;
        }
      }
    }
    return best;
  }

  /** The device {@code first}, and devices without work, as many as {@code rows} keep busy. */
  private List<Integer> idleBeside(int first, long rows) {
    long most = rows / rowsEnough;
    List<Integer> chosen = new ArrayList<>(List.of(first));
    for (int d = 0; d < targets.size() && chosen.size() < most; d++) {
      Target target = targets.get(d);
      if (d != first && target.serves.getAsBoolean() && target.backlog.rows() == 0) {
        chosen.add(d);
      }
    }
    return chosen;
  }

  private List<Part> dealOut(Beginnings beginnings, List<Integer> devices) {
    int count = devices.size();
    long[] backlog = new long[count];
    long[] rows = new long[count]; // of this call
    List<List<Integer>> items = new ArrayList<>();
    for (int c = 0; c < count; c++) {
      Target target = targets.get(devices.get(c));
      backlog[c] = target.backlog.rows();
      rows[c] = beginnings.prefixRows(target.memory);
      items.add(new ArrayList<>());
    }
    for (int item = 0; item < beginnings.items.length; item++) {
      long[] with = new long[count];
      int best = 0;
      for (int c = 0; c < count; c++) {
        PrefixMemory memory = targets.get(devices.get(c)).memory;
        with[c] = rows[c] + beginnings.itemRows(item, memory) + labelRows;
        best = backlog[c] + with[c] < backlog[best] + with[best] ? c : best;
      }
      rows[best] = with[best];
      items.get(best).add(item);
    }
    List<Part> parts = new ArrayList<>();
    for (int c = 0; c < count; c++) {
      int[] own = items.get(c).stream().mapToInt(Integer::intValue).toArray();
      if (own.length > 0) {
        parts.add(new Part(devices.get(c), own, rows[c]));
      }
    }
    return parts;
  }

  /** The device has lost what it held. */
  void forget(int device) {
    targets.get(device).memory.clear();
  }
}
