/**
 * The commands of training: each reads a config file, runs a stage of {@link
 * dev.gavel.training.stage}, shows its progress on stderr and prints its report.
 */
package dev.gavel.cli.train;
