package dev.gavel.cli.realmodel;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * What Transformers says in fp32 of the real model, made by {@code tools/goldens/real_model.py}.
 *
 * @param labels token sequences of each label
 */
record Golden(List<List<int[]>> labels, List<Query> queries, Continuation continuation) {

  record Query(int[] prefix, List<Item> items) {}

  /**
   * @param logProbabilities [labels] natural logarithms, normalized over the labels
   */
  record Item(int[] suffix, double[] logProbabilities) {}

  /**
   * @param tokens drawn greedily behind {@code prompt}, none of them an end token; each leads the
   *     second best by more than 1e-3
   * @param logProbabilities over the whole vocabulary
   */
  record Continuation(int[] prompt, int[] tokens, double[] logProbabilities) {}

  static Golden read() throws IOException {
    JsonMapper mapper =
        JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
    try (InputStream in = Golden.class.getResourceAsStream("golden.json")) {
      return mapper.readValue(in, Golden.class);
    }
  }
}
