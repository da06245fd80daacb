package dev.gavel.training.stage;

import dev.gavel.training.data.Judgment;
import dev.gavel.training.teacher.Lesson;
import dev.gavel.training.teacher.Teacher;
import dev.gavel.training.teacher.TeacherException;
import dev.gavel.training.teacher.TeachingStoppedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Asks teachers about many pairs, in as many threads as they like. */
final class Classroom implements AutoCloseable {
  /**
   * A pair to be taught.
   *
   * @param known the label that teachers are told
   * @param given whether the pair keeps the rationale that it has, and nobody is asked
   */
  record Question(Judgment pair, OptionalInt known, boolean given) {}

  /**
   * What came of a question.
   *
   * @param teacher who said something, or failed or stopped; empty if nobody had anything to say
   * @param failure why a teacher failed, or empty
   * @param stopped why a teacher stopped, or empty
   */
  record Outcome(
      boolean given, String teacher, Optional<Lesson> lesson, String failure, String stopped) {}

  private final List<Teacher> teachers;
  private final int threads;
  private final ExecutorService pool;

  /**
   * @param teachers asked in this order; they are closed with this
   */
  Classroom(List<Teacher> teachers) {
    this.teachers = List.copyOf(teachers);
    this.threads = teachers.stream().mapToInt(Teacher::parallel).max().orElse(1);
    this.pool = Executors.newFixedThreadPool(threads);
  }

  int threads() {
    return threads;
  }

  /** The outcomes, in the order of the questions. */
  List<Outcome> teach(List<Question> questions) throws InterruptedException {
    List<Callable<Outcome>> tasks = new ArrayList<>();
    questions.forEach(question -> tasks.add(() -> answer(question)));
    List<Outcome> out = new ArrayList<>();
    for (Future<Outcome> each : pool.invokeAll(tasks)) {
      try {
        out.add(each.get());
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException thrown) {
          throw thrown;
        }
        throw new IllegalStateException("a teacher failed", e.getCause());
      }
    }
    return out;
  }

  private Outcome answer(Question question) throws InterruptedException {
    if (question.given()) {
      return new Outcome(true, "", Optional.empty(), "", "");
    }
    for (Teacher teacher : teachers) {
      try {
        Optional<Lesson> lesson = teacher.teach(question.pair(), question.known());
        if (lesson.isPresent()) {
          return new Outcome(false, teacher.name(), lesson, "", "");
        }
      } catch (TeacherException e) {
        return new Outcome(false, teacher.name(), Optional.empty(), e.getMessage(), "");
      } catch (TeachingStoppedException e) {
        return new Outcome(false, teacher.name(), Optional.empty(), "", e.getMessage());
      }
    }
    return new Outcome(false, "", Optional.empty(), "", "");
  }

  @Override
  public void close() {
    pool.shutdownNow();
    teachers.forEach(Teacher::close);
  }
}
