package dev.gavel.relevance.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Limits;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.TierRule;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a model directory holds, for people.
 *
 * @param manifest whether {@code gavel.json} is there
 * @param storage parameters by how they are stored, for example {@code BF16}
 * @param weightBytes of the files
 * @param labelTokens as {@link dev.gavel.relevance.RelevanceModel#labelTokens}
 * @param template where the chat template comes from
 * @param samplePrompt the tokens of a sample pair as text, {@code ‖} between prefix and suffix
 */
public record ModelInspection(
    String name,
    String version,
    boolean manifest,
    ModelConfig config,
    long parameters,
    Map<String, Long> storage,
    List<String> files,
    long weightBytes,
    List<Label> labels,
    List<List<int[]>> labelTokens,
    TierRule tierRule,
    Limits limits,
    Order order,
    String template,
    Set<Integer> endTokens,
    Map<String, String> provenance,
    String samplePrompt,
    int samplePrefixTokens,
    int sampleSuffixTokens,
    List<String> warnings) {

  static ModelInspection of(OpenModel model) {
    EncodedQuery sample =
        model.encode("red running shoes", List.of(Item.ofText("Mens trail running shoe, red")));
    EncodedItem item = sample.items().get(0);
    return new ModelInspection(
        model.name(),
        model.version(),
        Files.exists(model.directory().resolve(Manifest.FILE)),
        model.config(),
        model.weights().parameters(),
        model.weights().storage(),
        model.checkpoint().files().stream().map(SafetensorsFile::name).toList(),
        model.checkpoint().bytes(),
        model.labels(),
        model.labelTokens(),
        model.tierRule(),
        model.limits(),
        model.order(),
        model.template().source(),
        model.endTokens(),
        model.provenance(),
        model.detokenize(sample.prefix()) + "‖" + model.detokenize(item.suffix()),
        sample.prefix().length,
        item.suffix().length,
        warnings(model));
  }

  private static List<String> warnings(OpenModel model) {
    List<String> out = new ArrayList<>(model.answers().warnings());
    if (!model.encoder().isSeamStable()) {
      out.add(
          "the tokens around the item depend on where prefix and suffix are cut;"
              + " put a space, a line break or a colon before {item}");
    }
    if (model.endTokens().isEmpty()) {
      out.add("no end token (eos_token_id): explanations end at stop texts or the limit only");
    }
    if (model.template().isPlain() && model.manifest().prompt().chat()) {
      out.add("no chat template: messages are separated by blank lines");
    }
    long longest =
        (long) model.limits().queryTokensMax()
            + model.limits().itemTokensMax()
            + model.encoder().constantTokens();
    if (longest > model.config().maxPositions()) {
      out.add(
          "limits.query_tokens and limits.item_tokens with the prompt make "
              + longest
              + " tokens, the model sees "
              + model.config().maxPositions()
              + "; items are cut to what is left");
    }
    return out;
  }

  /** All of it as lines. */
  public String toText() {
    StringBuilder out = new StringBuilder();
    line(out, "model", name + ", version " + version + (manifest ? "" : ", default manifest"));
    line(out, "architecture", architecture());
    line(out, "parameters", String.format(Locale.ROOT, "%,d", parameters));
    line(out, "weights", weightsText());
    storage.forEach(
        (kind, count) ->
            line(out, "", String.format(Locale.ROOT, "%,d parameters as %s", count, kind)));
    line(out, "prompt", "chat template: " + template + ", order: " + id(order));
    for (int i = 0; i < labels.size(); i++) {
      line(out, i == 0 ? "labels" : "", label(i));
    }
    line(
        out,
        "tier rule",
        "first label at which the cumulative probability reaches " + tierRule.threshold());
    line(out, "limits", limitsText());
    line(out, "end tokens", endTokens.toString());
    provenance.forEach((key, value) -> line(out, "provenance", key + ": " + value));
    line(
        out,
        "sample",
        samplePrefixTokens + " prefix tokens, " + sampleSuffixTokens + " suffix tokens");
    samplePrompt.lines().forEach(text -> line(out, "", "| " + text));
    warnings.forEach(warning -> line(out, "warning", warning));
    return out.toString();
  }

  private static void line(StringBuilder out, String key, String value) {
    out.append(String.format(Locale.ROOT, "%-13s %s%n", key, value));
  }

  private static String id(Order order) {
    return order.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private String architecture() {
    String dense =
        String.format(
            Locale.ROOT,
            "%s, %d layers, %d wide, %d heads of %d (%d KV), feed-forward %d, vocabulary %d%s,"
                + " context %d",
            config.architecture(),
            config.layers(),
            config.hidden(),
            config.heads(),
            config.headDim(),
            config.kvHeads(),
            config.intermediate(),
            config.vocabulary(),
            config.tiedEmbeddings() ? " (tied)" : "",
            config.maxPositions());
    return config.experts() == 0
        ? dense
        : dense
            + String.format(
                Locale.ROOT,
                ", %d of %d experts of %d",
                config.expertsPerToken(),
                config.experts(),
                config.expertIntermediate());
  }

  private String weightsText() {
    return String.format(
        Locale.ROOT,
        "%,d bytes in %s, %.2f bits a parameter",
        weightBytes,
        files,
        8.0 * weightBytes / parameters);
  }

  private String label(int i) {
    Label label = labels.get(i);
    String tokens =
        labelTokens.get(i).stream().map(Arrays::toString).collect(Collectors.joining(" "));
    String forms =
        label.surfaceForms().stream()
            .map(form -> "'" + form + "'")
            .collect(Collectors.joining(" "));
    return String.format(
        Locale.ROOT,
        "%s (grade %s, %s): %s -> %s",
        label.name(),
        label.grade(),
        label.tier(),
        forms,
        tokens);
  }

  private String limitsText() {
    return String.format(
        Locale.ROOT,
        "%d items, query %d tokens, item %d tokens, reasoning %d tokens, %d samples",
        limits.itemsMax(),
        limits.queryTokensMax(),
        limits.itemTokensMax(),
        limits.explainTokensMax(),
        limits.samplesMax());
  }
}
