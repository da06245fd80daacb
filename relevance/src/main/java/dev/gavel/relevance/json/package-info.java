/**
 * Reading JSON files of a model directory: {@link dev.gavel.relevance.json.JsonFile} parses
 * strictly, {@link dev.gavel.relevance.json.JsonObject} gives typed values and says which file and
 * key was wrong, what was expected and what was found. Immutable.
 */
package dev.gavel.relevance.json;
