package dev.gavel.training.teacher;

import dev.gavel.training.data.Judgment;
import java.util.Optional;
import java.util.OptionalInt;

/** Writes the reasoning that a model learns to write. Called by up to {@link #parallel} threads. */
public interface Teacher extends AutoCloseable {
  /** Its name in reports. */
  String name();

  /**
   * Reasons about a pair in five steps: query understanding, item understanding, category match,
   * attribute match, decision.
   *
   * @param known the judged label, an index into the label set, if the teacher may know it; a
   *     teacher that does not know it, decides on its own
   * @return empty if it has nothing to say about this pair
   * @throws TeacherException if this pair fails; others may succeed
   * @throws TeachingStoppedException if there is no use in asking about others
   */
  Optional<Lesson> teach(Judgment pair, OptionalInt known) throws InterruptedException;

  /** How many threads may usefully ask at once. */
  default int parallel() {
    return 1;
  }

  @Override
  default void close() {}
}
