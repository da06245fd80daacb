package dev.gavel.relevance.prompt;

/**
 * One message of a conversation; {@code role} is {@code system}, {@code user} or {@code assistant}.
 */
public record Message(String role, String content) {}
