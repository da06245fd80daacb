package dev.gavel.training.teacher;

import dev.gavel.relevance.Label;
import dev.gavel.training.data.DataFormatException;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.NamedText;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Reasonings that somebody wrote before, as {@code {"id", "rationale"}} lines; see {@link
 * NamedText}. The own label of such a text is the one it concludes with, if it does.
 */
public final class RationaleFile implements Teacher {
  private final Map<String, String> texts;
  private final ConclusionParser conclusions;

  /**
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public RationaleFile(Path file, List<Label> labels) {
    this.texts =
        NamedText.read(file, "rationale").stream()
            .collect(Collectors.toUnmodifiableMap(NamedText::id, NamedText::text));
    this.conclusions = new ConclusionParser(labels);
  }

  @Override
  public String name() {
    return "rationales";
  }

  @Override
  public Optional<Lesson> teach(Judgment pair, OptionalInt known) {
    return Optional.ofNullable(texts.get(pair.id()))
        .map(text -> new Lesson(text, conclusions.parse(text)));
  }
}
