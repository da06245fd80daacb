package dev.gavel.server.scheduling;

/**
 * Where a job's time went, in seconds.
 *
 * @param queue waiting for a batch, summed
 * @param prefill transformer, summed over the batches the job took part in
 * @param head label head and sampler, summed likewise
 */
public record StageSeconds(double queue, double prefill, double head) {
  double total() {
    return queue + prefill + head;
  }
}
