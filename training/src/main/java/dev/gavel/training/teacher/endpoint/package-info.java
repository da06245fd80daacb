/**
 * A teacher behind an OpenAI-compatible endpoint, which is given the atomic rules that fit a pair.
 *
 * <p>Type flow: judgment → {@link dev.gavel.training.teacher.endpoint.RuleIndex} (the rules) →
 * {@link dev.gavel.training.teacher.endpoint.TeacherPrompt} (the messages) → {@link
 * dev.gavel.training.teacher.endpoint.ChatClient}, which looks into the {@link
 * dev.gavel.training.teacher.endpoint.AnswerCache}, minds the {@link
 * dev.gavel.training.teacher.endpoint.Budget} and asks again when that may help → {@link
 * dev.gavel.training.teacher.endpoint.EndpointTeacher}, which reads the answer.
 *
 * <p>Threads: any number may ask at once.
 */
package dev.gavel.training.teacher.endpoint;
