/**
 * Admission, batching, and the one loop per device.
 *
 * <p>Type flow: a request enters {@link dev.gavel.server.scheduling.Admission} and holds a ticket;
 * tokenized, it becomes a {@link dev.gavel.server.scheduling.ScoreJob} or an {@link
 * dev.gavel.server.scheduling.ExplainJob} and is submitted to the {@link
 * dev.gavel.server.scheduling.Scheduler}, which places it on a device ({@code Placement}), or its
 * parts on several. The device's loop ({@code DeviceLoop}) composes a {@link
 * dev.gavel.engine.Batch} from shares of many jobs, has it computed, and hands each share its part
 * of the result. A job ends once: in its sink's result, or in a {@link
 * dev.gavel.server.scheduling.FaultException}.
 *
 * <p>Order within a batch: decode steps (one row each), explain prompts that have waited too long,
 * Score, then explain prompts into the room that is left. Score is first come, first served; a call
 * too large for one batch gets half of each batch while others wait, and queues again after it.
 *
 * <p>Of a call only what the block cache does not hold is computed; see {@link
 * dev.gavel.server.engine.BlockCache}. A batch pins what it uses ({@code BatchPlan}) and makes what
 * it wrote known only when it has succeeded.
 *
 * <p>A device that keeps failing gives its jobs back to be placed again, and is left out until it
 * works ({@code DeviceHealth}).
 *
 * <p>Threads: a job belongs to the thread of the loop it was placed on, which also calls the sinks;
 * sinks must be quick. Any thread may enter, submit, cancel and wake. This package knows no gRPC.
 */
package dev.gavel.server.scheduling;
