package dev.gavel.cli.client;

import com.google.protobuf.Duration;
import dev.gavel.v1.Item;
import dev.gavel.v1.Limits;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.StageTimes;
import java.util.ArrayList;
import java.util.List;

/** Scores any number of items: as many calls as the server's limits ask for, one answer. */
public final class BulkScore {
  /** Room for a message's other fields and framing. */
  private static final int REQUEST_MARGIN_BYTES = 64 << 10;

  private static final int ITEM_OVERHEAD_BYTES = 8;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private BulkScore() {}

  /** Scores {@code request}; times are summed, token ids come with the first call. */
  public static ScoreResponse score(Sidecar sidecar, ScoreRequest request) {
    List<List<Item>> parts = split(request.getItemsList(), sidecar.model().getLimits());
    ScoreResponse.Builder all = sidecar.score(part(request, parts.get(0))).toBuilder();
    for (List<Item> items : parts.subList(1, parts.size())) {
      ScoreResponse next = sidecar.score(part(request, items));
      all.addAllItems(next.getItemsList()).setTimes(sum(all.getTimes(), next.getTimes()));
    }
    return all.build();
  }

  private static ScoreRequest part(ScoreRequest request, List<Item> items) {
    return request.toBuilder().clearItems().addAllItems(items).build();
  }

  /** Consecutive parts, each within the limits in items and bytes; a zero limit is none. */
  static List<List<Item>> split(List<Item> items, Limits limits) {
    int itemsMax = limits.getItems() > 0 ? limits.getItems() : Integer.MAX_VALUE;
    long bytesMax =
        limits.getRequestBytes() > 0
            ? Math.max(1, limits.getRequestBytes() - REQUEST_MARGIN_BYTES)
            : Long.MAX_VALUE;
    List<List<Item>> parts = new ArrayList<>();
    List<Item> part = new ArrayList<>();
    long bytes = 0;
    for (Item item : items) {
      long itemBytes = item.getSerializedSize() + ITEM_OVERHEAD_BYTES;
      if (!part.isEmpty() && (part.size() == itemsMax || bytes + itemBytes > bytesMax)) {
        parts.add(part);
        part = new ArrayList<>();
        bytes = 0;
      }
      part.add(item);
      bytes += itemBytes;
    }
    parts.add(part);
    return parts;
  }

  private static StageTimes sum(StageTimes a, StageTimes b) {
    return StageTimes.newBuilder()
        .setTokenize(sum(a.getTokenize(), b.getTokenize()))
        .setQueue(sum(a.getQueue(), b.getQueue()))
        .setPrefill(sum(a.getPrefill(), b.getPrefill()))
        .setHead(sum(a.getHead(), b.getHead()))
        .build();
  }

  private static Duration sum(Duration a, Duration b) {
    long nanos = (long) a.getNanos() + b.getNanos();
    return Duration.newBuilder()
        .setSeconds(a.getSeconds() + b.getSeconds() + nanos / NANOS_PER_SECOND)
        .setNanos((int) (nanos % NANOS_PER_SECOND))
        .build();
  }
}
