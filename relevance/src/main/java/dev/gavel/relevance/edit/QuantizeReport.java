package dev.gavel.relevance.edit;

import java.util.Map;

/**
 * A model before and after.
 *
 * @param bytesBefore of all files of the base
 * @param bytesAfter of all files of the result
 * @param storage parameters by how they are stored now
 * @param errors by kind of matrix, such as {@code mlp.up_proj}: the root of the squared error over
 *     the squared weights
 */
public record QuantizeReport(
    long bytesBefore,
    long bytesAfter,
    long parameters,
    Map<String, Long> storage,
    Map<String, Double> errors) {}
