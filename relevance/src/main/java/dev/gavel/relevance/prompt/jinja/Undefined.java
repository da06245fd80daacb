package dev.gavel.relevance.prompt.jinja;

/** The value of a name or attribute that is not there: prints as nothing and is false. */
enum Undefined {
  VALUE
}
