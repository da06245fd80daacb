package dev.gavel.relevance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.relevance.prompt.ChatTemplate;
import dev.gavel.relevance.prompt.Message;
import dev.gavel.relevance.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real SmolLM2: tokenizer and template. Skipped where its folder is absent. */
class RealTokenizerTest {

  @Test
  void chatRendersAsTransformersDoes() {
    ChatTemplate template = ChatTemplate.open(TestModels.smolLm2());
    assertEquals(
        "<|im_start|>system\nJudge.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        template.render(
            List.of(new Message("system", "Judge."), new Message("user", "Hi")), false));
    assertEquals(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
            + "<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
        template.render(List.of(new Message("user", "Hi")), false));
  }

  /** Ids by the Python package tokenizers 0.23.3. */
  @Test
  void idsAreThoseOfPython() {
    try (Tokenizer tokenizer = Tokenizer.open(TestModels.smolLm2())) {
      assertArrayEquals(PYTHON_IDS, tokenizer.encode(TEXT));
      assertEquals(TEXT, tokenizer.decode(PYTHON_IDS));
    }
  }

  private static final String TEXT =
      "<|im_start|>user\nQuery: red shoes, size 42\u00bd \u7ea2\u978b \ud83d\udc5f\n\n  it's<|im_end|>";
  private static final int[] PYTHON_IDS = {
    1, 4093, 198, 22731, 42, 2382, 10582, 28, 2203, 216, 36, 34, 16738, 27709, 135, 112, 180, 44847,
    15107, 235, 249, 8866, 357, 506, 2
  };

  @Test
  void textsComeBackAndStream() {
    try (Tokenizer tokenizer = Tokenizer.open(TestModels.smolLm2())) {
      for (String text :
          List.of(
              "",
              "caf\u00e9 \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67",
              "\u7ea2\u8272\u8dd1\u978b",
              "a\n\n\n b",
              TEXT)) {
        int[] ids = tokenizer.encode(text);
        assertEquals(text, tokenizer.decode(ids));
        TokenStream stream = tokenizer.stream(List.of("zzz"));
        StringBuilder out = new StringBuilder();
        for (int id : ids) {
          out.append(stream.push(id));
        }
        assertEquals(text, out.append(stream.flush()).toString());
      }
    }
  }

  /** The whole model, with few random weights in place of the real ones. */
  @Test
  void defaultPromptHasAStableSeam(@TempDir Path directory) throws IOException {
    Path real = TestModels.smolLm2();
    RandomModel.write(TestModels.tinyWithVocabulary(49_152), directory, 1, DType.BF16);
    for (String file : List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")) {
      Files.copy(real.resolve(file), directory.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    try (RelevanceModel model = RelevanceModel.open(directory)) {
      assertEquals(1, model.labelTokens().get(0).get(0).length);
      assertEquals(1, model.labelTokens().get(3).get(0).length);
      for (String title : TITLES) {
        EncodedQuery encoded = model.encode("red running shoes", List.of(Item.ofText(title)));
        int[] suffix = encoded.items().get(0).suffix();
        String text = model.detokenize(encoded.prefix()) + model.detokenize(suffix);
        int[] joined = model.tokenize(text);
        assertEquals(encoded.tokens(), joined.length, title);
        assertArrayEquals(
            Arrays.copyOfRange(joined, encoded.prefix().length, joined.length), suffix);
        assertTrue(text.contains("Product: " + title));
      }
    }
  }

  private static final List<String> TITLES =
      List.of(
          "Mens Trail Running Shoe, Red, Size 10",
          "3M Scotch Tape 12-Pack",
          "24\" LED Monitor (refurbished)",
          "\u7ea2\u8272\u8dd1\u978b",
          "\ud83d\udc5f kids' sneakers",
          "'90s denim jacket",
          "#1 Dad mug",
          "-20C sleeping bag",
          "\u00c9tui pour lunettes",
          "a");
}
