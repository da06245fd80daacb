package dev.gavel.engine;

/** Placement on the int8 path. */
class PlacementInt8Test extends AbstractPlacementTest {
  PlacementInt8Test() {
    super(Quantization.INT8);
  }
}
