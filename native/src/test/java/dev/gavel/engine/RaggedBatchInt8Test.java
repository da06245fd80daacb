package dev.gavel.engine;

/** Ragged batches on the int8 path. */
class RaggedBatchInt8Test extends AbstractRaggedBatchTest {
  RaggedBatchInt8Test() {
    super(Quantization.INT8);
  }
}
