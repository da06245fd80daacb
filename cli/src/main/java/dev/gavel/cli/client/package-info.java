/**
 * Channels to a sidecar, wherever it runs: over TCP, a Unix socket, or in this process.
 *
 * <p>Type flow: {@link dev.gavel.cli.client.Target} or a model directory → {@link
 * dev.gavel.cli.client.Sidecar} → messages of {@code dev.gavel.v1}.
 */
package dev.gavel.cli.client;
