package dev.gavel.cli.terminal;

import java.util.ArrayList;
import java.util.List;

/**
 * A label distribution as one bar, best grade first: each label takes cells in proportion to its
 * probability. Each label has its own texture, so that the bar reads without colour too.
 */
public final class GradeBar {
  private static final String[] TEXTURES = {"█", "▓", "▒", "░"};
  private static final Style[] STYLES = {Style.GREEN, Style.CYAN, Style.YELLOW, Style.RED};

  private GradeBar() {}

  /**
   * @param probabilities [labels], best grade first, summing to 1
   * @param cells width of the bar
   */
  public static Cell of(double[] probabilities, int cells) {
    int[] widths = widths(probabilities, cells);
    List<Cell.Span> spans = new ArrayList<>();
    for (int label = 0; label < widths.length; label++) {
      spans.add(
          new Cell.Span(
              texture(label, widths.length).repeat(widths[label]), style(label, widths.length)));
    }
    return new Cell(spans);
  }

  /** One cell a label with its name, to be shown above the bars. */
  public static Cell legend(List<String> labels) {
    List<Cell.Span> spans = new ArrayList<>();
    for (int label = 0; label < labels.size(); label++) {
      spans.add(new Cell.Span(texture(label, labels.size()), style(label, labels.size())));
      String gap = label < labels.size() - 1 ? "   " : "";
      spans.add(new Cell.Span(" " + labels.get(label) + gap, null));
    }
    return new Cell(spans);
  }

  /** The style of label {@code label} of {@code labels}. */
  public static Style style(int label, int labels) {
    return STYLES[scaled(label, labels)];
  }

  private static String texture(int label, int labels) {
    return TEXTURES[scaled(label, labels)];
  }

  private static int scaled(int label, int labels) {
    return labels <= 1 ? 0 : Math.round((TEXTURES.length - 1) * label / (float) (labels - 1));
  }

  /** Cells per label: the rounded cumulative sums' differences, so that they fill the bar. */
  static int[] widths(double[] probabilities, int cells) {
    int[] widths = new int[probabilities.length];
    double cumulative = 0;
    int used = 0;
    for (int i = 0; i < widths.length; i++) {
      cumulative += probabilities[i];
      int end = (int) Math.round(Math.min(cumulative, 1) * cells);
      widths[i] = end - used;
      used = end;
    }
    return widths;
  }
}
