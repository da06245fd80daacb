/** Messages of the wire as JSON; the field names are a contract, see {@code docs/operations.md}. */
package dev.gavel.cli.json;
