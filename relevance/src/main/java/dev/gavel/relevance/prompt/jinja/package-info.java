/**
 * The part of the Jinja language that chat templates use, with Python's meaning of strings, lists
 * and truth: expressions, filters, tests, {@code if}, {@code for}, {@code set}, {@code macro},
 * namespaces, and white-space control as Transformers sets it (blocks take their line break and
 * their indentation with them).
 *
 * <p>Type flow: source → {@link dev.gavel.relevance.prompt.jinja.Lexer} → tokens → {@link
 * dev.gavel.relevance.prompt.jinja.Parser} → {@link dev.gavel.relevance.prompt.jinja.Node} → {@link
 * dev.gavel.relevance.prompt.jinja.Interpreter} → text. {@link
 * dev.gavel.relevance.prompt.jinja.JinjaTemplate} is the door.
 *
 * <p>A template is not trusted: it reaches no Java object, opens no file, and ends after a bounded
 * number of steps. Values are null, {@link dev.gavel.relevance.prompt.jinja.Undefined}, Boolean,
 * Long, Double, String, List, Map, {@link dev.gavel.relevance.prompt.jinja.Function}.
 */
package dev.gavel.relevance.prompt.jinja;
