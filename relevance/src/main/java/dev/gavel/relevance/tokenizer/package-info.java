/**
 * Text to token ids and back, from {@code tokenizer.json}.
 *
 * <p>Type flow: a model directory → {@link dev.gavel.relevance.tokenizer.Tokenizer}; text → {@code
 * int[]}; generated ids → {@link dev.gavel.relevance.tokenizer.StreamDecoder} → text. Encoding is
 * the Hugging Face library's, in process and without network; decoding is ours, so that a stream
 * and a whole decode agree byte for byte.
 *
 * <p>Threads: a tokenizer serves any number of threads; a stream belongs to one.
 */
package dev.gavel.relevance.tokenizer;
