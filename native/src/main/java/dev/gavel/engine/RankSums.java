package dev.gavel.engine;

import dev.gavel.engine.binding.Gavel;
import dev.gavel.engine.binding.NativeAllReduce;
import org.bytedeco.javacpp.Pointer;

/** Calls a {@link Rank.Collective} from native code; nothing it throws crosses. */
final class RankSums extends NativeAllReduce {
  private static final DType[] TYPES = DType.values();

  private final Rank.Collective collective;
  private Throwable failure; // of the thread that drives the engine

  RankSums(Rank.Collective collective) {
    this.collective = collective;
    if (isNull()) {
      throw new EngineException(
          EngineException.Code.RESOURCE_EXHAUSTED,
          "rank: expected at most ten engines of ranks at a time, found more");
    }
  }

  @Override
  public int call(Pointer context, Pointer data, long elements, int dtype, Pointer stream) {
    try {
      collective.sum(address(data), elements, TYPES[dtype], address(stream));
      return Gavel.GAVEL_OK;
    } catch (Throwable e) {
      failure = e;
      return Gavel.GAVEL_UNAVAILABLE;
    }
  }

  private static long address(Pointer pointer) {
    return pointer == null ? 0 : pointer.address();
  }

  /** As {@link NativeRuntime#check}; what the collective threw becomes the cause. */
  static void check(RankSums sums, int status) {
    try {
      NativeRuntime.check(status);
    } catch (EngineException e) {
      if (sums != null && sums.failure != null) {
        e.initCause(sums.failure);
        sums.failure = null;
      }
      throw e;
    }
  }
}
