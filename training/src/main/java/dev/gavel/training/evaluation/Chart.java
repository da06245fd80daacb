package dev.gavel.training.evaluation;

import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * A small line chart as SVG, axes from 0 to 1 unless told otherwise. Colours are told apart by
 * people who see few (Okabe and Ito), lines also by their dashes.
 */
final class Chart {
  private static final int WIDTH = 520;
  private static final int HEIGHT = 400;
  private static final int LEFT = 60;
  private static final int RIGHT = 20;
  private static final int TOP = 40;
  private static final int BOTTOM = 50;
  private static final int TICKS = 5;
  private static final String[] COLORS = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

  private final StringBuilder body = new StringBuilder();
  private final double yMin;
  private final double yMax;
  private int series;

  Chart(String title, String xTitle, String yTitle, double yMin, double yMax) {
    this.yMin = yMin;
    this.yMax = yMax > yMin ? yMax : yMin + 1;
    text(WIDTH / 2.0, 22, "middle", "font-size=\"15\"", title);
    text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "middle", "", xTitle);
    String turned = "transform=\"rotate(-90 16 " + HEIGHT / 2 + ")\"";
    text(16, HEIGHT / 2.0, "middle", turned, yTitle);
    for (int i = 0; i <= TICKS; i++) {
      double share = (double) i / TICKS;
      double yValue = this.yMin + share * (this.yMax - this.yMin);
      line(x(share), y(this.yMin), x(share), y(this.yMax), "#dddddd", "");
      line(x(0), y(yValue), x(1), y(yValue), "#dddddd", "");
      text(x(share), HEIGHT - BOTTOM + 16.0, "middle", "", number(share));
      text(LEFT - 6.0, y(yValue) + 4, "end", "", number(yValue));
    }
  }

  private double x(double value) {
    return LEFT + value * (WIDTH - LEFT - RIGHT);
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - (value - yMin) / (yMax - yMin) * (HEIGHT - TOP - BOTTOM);
  }

  /** A line through points {x, y} with an entry in the legend. */
  void series(String name, List<double[]> points) {
    String color = COLORS[series % COLORS.length];
    StringJoiner path = new StringJoiner(" ");
    points.forEach(point -> path.add(number(x(point[0])) + "," + number(y(point[1]))));
    body.append("<polyline fill=\"none\" stroke-width=\"2\" stroke=\"")
        .append(color)
        .append("\" points=\"")
        .append(path)
        .append("\"/>\n");
    double legend = TOP + 14.0 + 16.0 * series;
    line(LEFT + 10.0, legend - 4, LEFT + 34.0, legend - 4, color, "stroke-width=\"2\"");
    text(LEFT + 40.0, legend, "start", "", name);
    series++;
  }

  /** A bar from the bottom, pale, behind the lines that follow. */
  void bar(double from, double to, double height) {
    body.append("<rect fill=\"#0072b2\" fill-opacity=\"0.25\" x=\"")
        .append(number(x(from)))
        .append("\" y=\"")
        .append(number(y(height)))
        .append("\" width=\"")
        .append(number(x(to) - x(from)))
        .append("\" height=\"")
        .append(number(y(yMin) - y(height)))
        .append("\"/>\n");
  }

  /** A dashed grey line between two points, such as a diagonal or a chosen threshold. */
  void guide(double x1, double y1, double x2, double y2) {
    line(x(x1), y(y1), x(x2), y(y2), "#555555", "stroke-dasharray=\"5 4\"");
  }

  private void line(double x1, double y1, double x2, double y2, String color, String style) {
    body.append(
        String.format(
            Locale.ROOT,
            "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\" %s/>%n",
            number(x1),
            number(y1),
            number(x2),
            number(y2),
            color,
            style));
  }

  private void text(double x, double y, String anchor, String style, String text) {
    String escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    body.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%s\" y=\"%s\" text-anchor=\"%s\" %s>%s</text>%n",
            number(x),
            number(y),
            anchor,
            style,
            escaped));
  }

  /** At most three decimals, none that are zero. */
  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.3f", value);
    return text.replaceFirst("\\.?0+$", "");
  }

  /** The whole file. */
  String toSvg() {
    return String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
                + " height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">%n"
                + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n",
            WIDTH,
            HEIGHT,
            WIDTH,
            HEIGHT)
        + body
        + "</svg>\n";
  }
}
