/**
 * The command line: arguments in, text or JSON out.
 *
 * <p>Type flow: arguments → a command → {@link dev.gavel.cli.client.Sidecar} (a channel to a server
 * elsewhere, or to one started in this process) → messages of the wire → {@link
 * dev.gavel.cli.json.JsonView} or {@link dev.gavel.cli.terminal.Table}. There is one path: a local
 * model is asked through the same gRPC calls as a remote server. Only {@code bench}, {@code model}
 * and the commands of training touch engine and model directly.
 *
 * <p>Threads: one, besides gRPC's own.
 */
package dev.gavel.cli;
