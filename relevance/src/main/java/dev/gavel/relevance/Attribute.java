package dev.gavel.relevance;

/** One attribute of an item, such as brand = Acme. */
public record Attribute(String name, String value) {}
