package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.tokenizer.ByteAlphabet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Learns a small byte-pair vocabulary and puts it in place of a random model's. */
final class BytePairTrainer {
  private BytePairTrainer() {}

  /** Words of syllables, so that they share parts. */
  static List<String> words(long seed, int count) {
    List<String> syllables =
        List.of("ra", "ran", "na", "an", "ana", "shoe", "sho", "es", "red", "ed", "42", "é", "跑");
    Random random = new Random(seed);
    List<String> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder word = new StringBuilder();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        word.append(syllables.get(random.nextInt(syllables.size())));
      }
      out.add(word.toString());
    }
    return out;
  }

  /**
   * Rewrites {@code directory/tokenizer.json} with merges learned from {@code words}, behind the
   * special tokens and bytes that it has. Every third merge is learned at random, so that some
   * tokens can be reached by several merges, and some by none.
   */
  static void train(Path directory, List<String> words, int tokens, long seed) throws IOException {
    ObjectNode json = (ObjectNode) JsonFile.read(directory.resolve("tokenizer.json")).node();
    ObjectNode model = (ObjectNode) json.get("model");
    ObjectNode vocab = (ObjectNode) model.get("vocab");
    vocab.properties().removeIf(entry -> entry.getValue().asInt() >= 259);
    ArrayNode merges = model.putArray("merges");
    Random random = new Random(seed);
    List<List<String>> split = new ArrayList<>();
    words.forEach(word -> split.add(bytes(" " + word)));
    while (vocab.size() < tokens) {
      Map<List<String>, Integer> pairs = new HashMap<>();
      for (List<String> word : split) {
        for (int i = 0; i + 1 < word.size(); i++) {
          pairs.merge(List.of(word.get(i), word.get(i + 1)), 1, Integer::sum);
        }
      }
      List<List<String>> order = new ArrayList<>(pairs.keySet());
      order.sort(
          (a, b) ->
              pairs.get(a).equals(pairs.get(b))
                  ? a.toString().compareTo(b.toString())
                  : pairs.get(b) - pairs.get(a));
      int pick = merges.size() % 3 == 2 ? random.nextInt(order.size()) : 0;
      apply(order.get(pick), split, vocab, merges);
    }
    ModelFiles.write(directory, "tokenizer.json", json);
  }

  private static List<String> bytes(String word) {
    List<String> out = new ArrayList<>();
    for (byte value : word.getBytes(StandardCharsets.UTF_8)) {
      out.add(String.valueOf(ByteAlphabet.character(value & 0xFF)));
    }
    return out;
  }

  private static void apply(
      List<String> pair, List<List<String>> split, ObjectNode vocab, ArrayNode merges) {
    String joined = pair.get(0) + pair.get(1);
    merges.addArray().add(pair.get(0)).add(pair.get(1));
    if (!vocab.has(joined)) {
      vocab.put(joined, vocab.size());
    }
    for (List<String> word : split) {
      for (int i = 0; i + 1 < word.size(); i++) {
        if (word.get(i).equals(pair.get(0)) && word.get(i + 1).equals(pair.get(1))) {
          word.set(i, joined);
          word.remove(i + 1);
        }
      }
    }
  }
}
