package dev.gavel.cli.terminal;

/** The few styles in use, from the 16 colours that every terminal theme defines. */
public enum Style {
  BOLD("1"),
  DIM("2"),
  GREEN("32"),
  YELLOW("33"),
  RED("31"),
  CYAN("36");

  static final String RESET = "\u001b[0m";
  private final String number;

  Style(String number) {
    this.number = number;
  }

  String code() {
    return "\u001b[" + number + "m";
  }
}
