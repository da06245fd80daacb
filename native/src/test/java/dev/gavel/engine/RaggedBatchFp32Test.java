package dev.gavel.engine;

/** Ragged batches on the fp32 path. */
class RaggedBatchFp32Test extends AbstractRaggedBatchTest {
  RaggedBatchFp32Test() {
    super(Quantization.FP32);
  }
}
