/** Items from arguments and JSON Lines files. */
package dev.gavel.cli.items;
