/**
 * How a search node calls Gavel: one small program per idea. Each takes its server as the first
 * argument, {@code HOST:PORT} or {@code unix:/PATH}.
 */
package dev.gavel.examples;
