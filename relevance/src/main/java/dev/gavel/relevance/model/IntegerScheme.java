package dev.gavel.relevance.model;

/**
 * How integers stand for the weights of a matrix [rows, columns]: weight = integer x scale, with
 * one scale for each group of a row.
 *
 * @param bits 4 or 8; the integers are -2^(bits-1) to 2^(bits-1) - 1
 * @param group neighbouring columns that share a scale; 0: the whole row
 * @param packed true: 32 / bits integers in a word, lowest bits first, each raised by 2^(bits-1) to
 *     be unsigned, rows padded to whole words; false: one signed byte each
 */
public record IntegerScheme(int bits, int group, boolean packed) {
  /** Number of scales in a row. */
  public long groups(long columns) {
    return group == 0 ? 1 : columns / group;
  }

  /** Columns that share a scale. */
  public long groupColumns(long columns) {
    return group == 0 ? columns : group;
  }

  /** Bytes of a stored row. */
  public long rowBytes(long columns) {
    return packed ? (columns * bits + 31) / 32 * 4 : columns;
  }

  /** For example {@code int4, groups of 32}. */
  @Override
  public String toString() {
    return "int" + bits + ", " + (group == 0 ? "whole rows" : "groups of " + group);
  }
}
