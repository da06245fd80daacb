package dev.gavel.relevance.edit;

import dev.gavel.engine.DType;
import java.nio.file.Path;

/**
 * What an exported model is to be.
 *
 * @param dtype of all weights; null: as they are, quantized ones as floats of their scales' type
 * @param manifest the {@code gavel.json} of the result; null: the base's
 * @param name for the manifest; null: as it is
 * @param version for the manifest; null: as it is
 */
public record ExportSpec(DType dtype, Path manifest, String name, String version) {}
