/**
 * The thin layer between our Java and the PyTorch preset of JavaCPP: loading it from the flat
 * folder of the native module, and the few conversions that every user of tensors needs.
 *
 * <p>Memory: a tensor's storage is freed when its Java object is closed. {@link
 * org.bytedeco.javacpp.PointerScope} closes whatever was made inside it, so a training step is one
 * scope, and only what outlives it (weights, optimizer state) is made outside. Threads: LibTorch's
 * own pool; set its size once, before anything is computed.
 */
package dev.gavel.training.torch;
