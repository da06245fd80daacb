package dev.gavel.training.stage;

import dev.gavel.training.stage.StageConfig.Default;
import dev.gavel.training.teacher.LessonFilter;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/**
 * The configuration of {@code gavel train teach}; docs/training-teachers.md explains the keys.
 *
 * @param model whose labels are taught, and whose tokenizer counts; its weights are not read
 * @param data judged pairs
 * @param teachers asked in this order, until one has something to say
 * @param oracle whether teachers are told the judged label
 * @param keep whether pairs keep a rationale that they have
 * @param scale the ends of {@code relevance} in pairs that have nothing else, or null: such pairs
 *     have no judged label
 * @param rationales the file of the teacher of that name, or null
 * @param rejected what becomes of a pair whose lesson a filter rejects, or of which no teacher has
 *     anything to say
 */
public record TeachConfig(
    Path model,
    Path data,
    @Default("[evidence]") List<Kind> teachers,
    @Default("true") boolean oracle,
    @Default("true") boolean keep,
    @Default("null") Scale scale,
    @Default("{}") Evidence evidence,
    @Default("null") Path rationales,
    @Default("null") Endpoint endpoint,
    @Default("{}") Filters filters,
    @Default("drop") Rejected rejected) {

  /** The teachers there are. */
  public enum Kind {
    EVIDENCE,
    RATIONALES,
    ENDPOINT
  }

  /** What becomes of a pair without a lesson that can be used. */
  public enum Rejected {
    /** It is left out. */
    DROP,
    /** It is written without a rationale. */
    BARE
  }

  /**
   * A soft scale.
   *
   * @param worst the relevance that means the worst label
   * @param best the relevance that means the best label
   */
  public record Scale(double worst, double best) {}

  /**
   * Of the evidence teacher.
   *
   * @param descriptions whether descriptions count, beside titles and attributes
   */
  public record Evidence(@Default("true") boolean descriptions) {}

  /**
   * Of the endpoint teacher.
   *
   * @param url the base, to which {@code /chat/completions} is added
   * @param model as the endpoint names it
   * @param apiKeyVariable the environment variable that holds the key, or null for none
   * @param rules the file of atomic rules, or null
   * @param rulesEach rules retrieved for a pair, beside the general ones
   * @param words asked for
   * @param attempts at a pair
   * @param requestsMax requests of a run; 0 for any number
   * @param tokensMax tokens of prompts and answers of a run; 0 for any number
   * @param cache folder of answers, or null for {@code answers} in the run's folder
   */
  public record Endpoint(
      String url,
      String model,
      @Default("null") String apiKeyVariable,
      @Default("null") Path rules,
      @Default("5") int rulesEach,
      @Default("60") int words,
      @Default("0") double temperature,
      @Default("400") int answerTokensMax,
      @Default("60") double timeoutSeconds,
      @Default("5") int attempts,
      @Default("1") double backoffSeconds,
      @Default("4") int parallel,
      @Default("0") long requestsMax,
      @Default("0") long tokensMax,
      @Default("null") Path cache) {
    public Endpoint {
      uri(url);
    }

    private static URI uri(String url) {
      try {
        return new URI(url);
      } catch (URISyntaxException e) {
        throw new IllegalArgumentException("url: expected a URL, found " + url, e);
      }
    }

    URI uri() {
      return uri(url);
    }
  }

  /**
   * Which lessons are rejected; see {@link LessonFilter}.
   *
   * @param tokensMax of a rationale; 0 for any number
   */
  public record Filters(
      @Default("false") boolean wrongLabel,
      @Default("false") boolean contradiction,
      @Default("0") int tokensMax,
      @Default("false") boolean duplicates) {
    public Filters {
      new LessonFilter.Options(wrongLabel, contradiction, tokensMax, duplicates); // checks
    }

    LessonFilter.Options options() {
      return new LessonFilter.Options(wrongLabel, contradiction, tokensMax, duplicates);
    }
  }

  public TeachConfig {
    if (teachers.isEmpty() || teachers.stream().distinct().count() < teachers.size()) {
      throw new IllegalArgumentException(
          "teachers: expected at least one, each once, found " + teachers);
    }
    if (teachers.contains(Kind.RATIONALES) && rationales == null) {
      throw new IllegalArgumentException("rationales: expected a path, found nothing");
    }
    if (teachers.contains(Kind.ENDPOINT) && endpoint == null) {
      throw new IllegalArgumentException("endpoint: expected keys and values, found nothing");
    }
  }
}
