package dev.gavel.relevance;

/** The manifest's sampling for explanations; a request may override each value. */
public record DecodingDefaults(float temperature, int topK, float topP) {}
