package dev.gavel.engine;

import java.util.Arrays;

/** Outputs of one batch, in the order of the sequences that yield them. Reused by its owner. */
public final class BatchResult {
  int labels;
  float[] labelLogProbabilities = new float[0]; // [scored, labels]
  float[] labelLogMass = new float[0]; // [scored]
  int[] sampledTokens = new int[0]; // [sampled]
  float[] sampledLogProbabilities = new float[0]; // [sampled]
  float[] logits = new float[0]; // [rows, vocabulary]
  int vocabulary;
  double prefillSeconds;
  double headSeconds;

  /** Makes room; for engines. */
  public void prepare(Batch batch, int vocabularySize) {
    int scored = batch.count(Batch.Output.LABELS);
    labels = batch.labelTable() == null ? 0 : batch.labelTable().labels();
    labelLogProbabilities = atLeast(labelLogProbabilities, scored * labels);
    labelLogMass = atLeast(labelLogMass, scored);
    int sampled = batch.count(Batch.Output.SAMPLE);
    if (sampledTokens.length < sampled) {
      sampledTokens = new int[sampled];
    }
    sampledLogProbabilities = atLeast(sampledLogProbabilities, sampled);
    vocabulary = vocabularySize;
    logits = atLeast(logits, Math.multiplyExact(batch.count(Batch.Output.LOGITS), vocabularySize));
  }

  private static float[] atLeast(float[] array, int size) {
    return array.length >= size ? array : new float[size];
  }

  /**
   * Log-probabilities [labels] of the {@code index}-th scored sequence; they sum to 1 as
   * probabilities.
   */
  public float[] labelLogProbabilities(int index) {
    return Arrays.copyOfRange(labelLogProbabilities, index * labels, (index + 1) * labels);
  }

  /** Sets them; for engines that are not native. */
  public void setLabelLogProbabilities(int index, float... values) {
    System.arraycopy(values, 0, labelLogProbabilities, index * labels, labels);
  }

  /** Log of the full-vocabulary mass on the labels; valid where the batch asked for it. */
  public float labelLogMass(int index) {
    return labelLogMass[index];
  }

  public void setLabelLogMass(int index, float value) {
    labelLogMass[index] = value;
  }

  /** Token of the {@code index}-th sampled sequence. */
  public int sampledToken(int index) {
    return sampledTokens[index];
  }

  /** Its log-probability at temperature 1 over the full vocabulary. */
  public float sampledLogProbability(int index) {
    return sampledLogProbabilities[index];
  }

  public void setSampled(int index, int token, float logProbability) {
    sampledTokens[index] = token;
    sampledLogProbabilities[index] = logProbability;
  }

  /** Logits [vocabulary] of the {@code index}-th such sequence. */
  public float[] logits(int index) {
    return Arrays.copyOfRange(logits, index * vocabulary, (index + 1) * vocabulary);
  }

  /** Seconds in the transformer. */
  public double prefillSeconds() {
    return prefillSeconds;
  }

  /** Seconds in label head and sampler. */
  public double headSeconds() {
    return headSeconds;
  }

  public void setSeconds(double prefill, double head) {
    prefillSeconds = prefill;
    headSeconds = head;
  }
}
