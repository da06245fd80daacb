/**
 * Changing model directories: pruning, conversion, quantization. Pure Java over stored tensors; no
 * engine and no autograd.
 *
 * <p>Type flow: a directory's {@link dev.gavel.relevance.model.Checkpoint} → {@link
 * dev.gavel.relevance.edit.ModelPruner} → another directory. For a smaller vocabulary: {@link
 * dev.gavel.relevance.edit.Corpus} → {@link dev.gavel.relevance.edit.TokenCounts} → {@link
 * dev.gavel.relevance.edit.TokenMap}, by which {@code tokenizer.json}, the configurations and the
 * embedding are rewritten.
 *
 * <p>The base is only read. Tensors are streamed, one in memory at a time. Everything runs on the
 * calling thread.
 */
package dev.gavel.relevance.edit;
