package dev.gavel.training.teacher.evidence;

import java.util.Locale;

/** Units that shop texts state, with what they measure and their size in that kind's base unit. */
enum Unit {
  MM(Kind.LENGTH, 1, "mm|millimeters?|millimetres?"),
  CM(Kind.LENGTH, 10, "cm|centimeters?|centimetres?"),
  METER("meter", Kind.LENGTH, 1000, "m|meters?|metres?"),
  INCH("inch", Kind.LENGTH, 25.4, "inch(?:es)?|in\\.?(?!\\s*(?:\\d|one\\b))|\"|''|\u201d|\u2033"),
  FOOT("ft", Kind.LENGTH, 304.8, "ft\\.?|feet|foot|'(?!')|\u2032"),
  YARD("yd", Kind.LENGTH, 914.4, "yds?\\.?|yards?"),
  ML(Kind.VOLUME, 1, "ml|milliliters?|millilitres?"),
  LITER("liter", Kind.VOLUME, 1000, "l|liters?|litres?"),
  QUART("qt", Kind.VOLUME, 946.353, "qts?\\.?|quarts?"),
  GALLON("gal", Kind.VOLUME, 3785.41, "gals?\\.?|gallons?"),
  GRAM("g", Kind.WEIGHT, 1, "g|grams?"),
  KG(Kind.WEIGHT, 1000, "kgs?|kilograms?|kilos?"),
  // Ounces of weight and of volume are not told apart in titles; shops compare them with pounds.
  OZ(Kind.WEIGHT, 28.3495, "(?:fl\\.?\\s?)?oz\\.?|(?:fluid )?ounces?"),
  LB(Kind.WEIGHT, 453.592, "lbs?\\.?|pounds?"),
  MB(Kind.STORAGE, 1, "mb|megabytes?"),
  GB(Kind.STORAGE, 1000, "gbs?|gigabytes?"),
  TB(Kind.STORAGE, 1e6, "tbs?|terabytes?"),
  MAH(Kind.CHARGE, 1, "mah"),
  VOLT(Kind.VOLTAGE, 1, "v|volts?"),
  WATT(Kind.POWER, 1, "w|watts?"),
  AMP(Kind.CURRENT, 1, "amps?"),
  HZ(Kind.FREQUENCY, 1, "hz"),
  BTU(Kind.HEAT, 1, "btus?"),
  MP(Kind.RESOLUTION, 1, "mp|megapixels?"),
  KARAT("karat", Kind.FINENESS, 1, "kt|karats?|carats?"),
  PACK(Kind.COUNT, 1, "packs?|pks?|/?\\s?pkg|ct\\.?|counts?|pcs?\\.?|pieces?");

  /** What a unit measures; only measures of one kind can differ. */
  enum Kind {
    LENGTH,
    VOLUME,
    WEIGHT,
    STORAGE,
    CHARGE,
    VOLTAGE,
    POWER,
    CURRENT,
    FREQUENCY,
    HEAT,
    RESOLUTION,
    FINENESS,
    COUNT
  }

  final String written;
  final Kind kind;
  final double size;
  final String spellings; // a regular expression

  Unit(Kind kind, double size, String spellings) {
    this(null, kind, size, spellings);
  }

  Unit(String written, Kind kind, double size, String spellings) {
    this.written = written == null ? name().toLowerCase(Locale.ROOT) : written;
    this.kind = kind;
    this.size = size;
    this.spellings = spellings;
  }
}
