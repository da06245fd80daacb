package dev.gavel.engine;

/** Placement on the fp32 path. */
class PlacementFp32Test extends AbstractPlacementTest {
  PlacementFp32Test() {
    super(Quantization.FP32);
  }
}
