/**
 * Text for people: width-aware tables, bars and colours. Pure but for {@code Terminal}'s streams.
 */
package dev.gavel.cli.terminal;
