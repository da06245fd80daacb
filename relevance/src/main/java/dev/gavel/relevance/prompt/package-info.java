/**
 * Query and item to prompt tokens.
 *
 * <p>Type flow: {@link dev.gavel.relevance.prompt.PromptSpec} (the manifest's) and {@link
 * dev.gavel.relevance.prompt.ChatTemplate} → {@link dev.gavel.relevance.prompt.PromptText}, the
 * constant pieces around query and item, rendered once when the model is opened → {@link
 * dev.gavel.relevance.prompt.PromptEncoder}, which puts query and item in their places, cuts what
 * is too long and tokenizes → {@link dev.gavel.relevance.EncodedQuery}. User text is never
 * rendered, so template syntax in it means nothing.
 *
 * <p>Everything here is immutable and serves any number of threads.
 */
package dev.gavel.relevance.prompt;
