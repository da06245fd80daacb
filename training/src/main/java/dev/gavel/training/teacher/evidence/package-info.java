/**
 * The built-in teacher: templated evidence from the words of query and item.
 *
 * <p>Type flow: query → {@link dev.gavel.training.teacher.evidence.QueryReading}; item → {@link
 * dev.gavel.training.teacher.evidence.ItemReading}; both → {@link
 * dev.gavel.training.teacher.evidence.Evidence} → {@link
 * dev.gavel.training.teacher.evidence.EvidenceTeacher}, which writes the text. Everything is
 * immutable, deterministic and serves any number of threads. It knows English shop texts.
 */
package dev.gavel.training.teacher.evidence;
