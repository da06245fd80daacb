/**
 * Teachers write the reasoning that a model learns to write after its label.
 *
 * <p>Type flow: {@link dev.gavel.training.data.Judgment} and its judged label → {@link
 * dev.gavel.training.teacher.Teacher} → {@link dev.gavel.training.teacher.Lesson} → {@link
 * dev.gavel.training.teacher.LessonFilter} → the judgment with its rationale. There are three: the
 * {@code evidence} package fills a template with what the texts state, {@link
 * dev.gavel.training.teacher.RationaleFile} reads what somebody wrote, and the {@code endpoint}
 * package asks a large model. {@link dev.gavel.training.teacher.ConclusionParser} and {@link
 * dev.gavel.training.teacher.ReasoningSteps} read a reasoning back; evaluation uses them as well.
 *
 * <p>Threads: teachers serve as many as they say; a filter belongs to one.
 */
package dev.gavel.training.teacher;
