/** The guided tour: a real server on a Unix socket, asked by a real client. */
package dev.gavel.cli.demo;
