package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files, folders and numbers that cannot be used: each is answered by one line that says what was
 * expected and what was found, and by a status.
 */
class BadInputTest {
  private static final String PAIR =
      "{\"id\":\"1\",\"query\":\"red shoes\",\"title\":\"red shoe\",\"grade\":4}\n";
  private static final byte[] CUT_GZIP = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1};

  @TempDir static Path home;
  private final TestTerminal terminal = new TestTerminal(100);

  @BeforeAll
  static void make() throws IOException {
    Path model = home.resolve("model");
    RandomModel.write(ModelShape.of("tiny"), model, 1, DType.BF16);
    Files.createDirectories(home.resolve("folder"));
    Files.writeString(Files.createDirectories(home.resolve("full")).resolve("file"), "x");
    text("pairs.jsonl", PAIR);
    text("twice.jsonl", PAIR + PAIR);
    text("empty.jsonl", "");
    text("broken.jsonl", PAIR + "{\"query\": \"x\", \"title\"\n");
    text("grade.jsonl", PAIR.replace("4}", "9}"));
    text("two.json", labels("yes", 1) + "," + labels("no", 0) + "]}");
    text("broken.yaml", "model: [\n");
    text("nested.yaml", "a: b: c\n");
    text("list.yaml", "- 1\n");
    text("server.yaml", "engine:\n  threads: many\n");
    text("pool.yaml", "engine:\n  kvBytesMax: 5\n");
    text("sft.yaml", "model: F/model\ndata:\n  - path: F/pairs.jsonl\n".replace("F", "" + home));
    text("text.jsonl.gz", "no gzip");
    Files.write(home.resolve("cut.jsonl.gz"), CUT_GZIP);
    Files.write(home.resolve("bytes.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe});
    altered("cut-weights", "model.safetensors", "short");
    altered("broken-config", "config.json", "{\"model_type\":");
    altered("other-type", "config.json", "{\"model_type\": \"gpt2\"}");
    altered("two-labels", "gavel.json", Files.readString(home.resolve("two.json")));
    Files.delete(altered("no-config", "gavel.json", "{}").resolve("config.json"));
    Path folder = altered("folder-weights", "gavel.json", "{}");
    Files.delete(folder.resolve("model.safetensors"));
    Files.createDirectory(folder.resolve("model.safetensors"));
  }

  private static void text(String name, String text) throws IOException {
    Files.writeString(home.resolve(name), text);
  }

  private static String labels(String name, int grade) {
    String label =
        String.format(
            "{\"name\":\"%s\",\"grade\":%d,\"surface_forms\":[\"%s\"],\"tier\":\"%s\"}",
            name, grade, name.charAt(0), grade > 0 ? "GOOD" : "BAD");
    return grade > 0 ? "{\"labels\":[" + label : label;
  }

  /** The model with another text in one of its files. */
  private static Path altered(String name, String file, String text) throws IOException {
    Path copy = Files.createDirectory(home.resolve(name));
    try (var files = Files.list(home.resolve("model"))) {
      for (Path each : files.toList()) {
        Files.copy(each, copy.resolve(each.getFileName()));
      }
    }
    Files.writeString(copy.resolve(file), text);
    return copy;
  }

  private void assertRefused(int exitCode, String line, String... messages) {
    String[] args = line.strip().replace("F/", home + "/").split(" ");
    assertEquals(exitCode, terminal.run(args), terminal.err());
    List<String> lines = terminal.err().lines().toList();
    String last = lines.get(lines.size() - 1);
    assertTrue(last.startsWith("gavel " + args[0]), last);
    assertEquals(1, lines.stream().filter(each -> each.startsWith("gavel ")).count(), last);
    assertFalse(last.contains("xception") || last.contains("internal error"), last);
    for (String message : messages) {
      assertTrue(last.contains(message), () -> "expected " + message + ", found " + last);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "score --query q --item x --model F/nowhere | nowhere: expected a model directory, found"
            + " nothing",
        "score --query q --item x --model F/pairs.jsonl | expected a model directory, found a file",
        "score --query q --item x --model F/no-config | config.json: expected in",
        "score --query q --item x --model F/broken-config | config.json: expected JSON, found",
        "score --query q --item x --model F/other-type | model_type: expected one of",
        "score --query q --item x --model F/cut-weights | model.safetensors: expected at least 8",
        "score --query q --item x --model F/folder-weights | expected a readable file, found a"
            + " folder",
        "bench train --model F/nowhere | config.json: expected in",
        "serve --model F/model --config F/nowhere.yaml | expected a readable file, found nothing"
            + " there",
        "serve --model F/model --config F/folder | folder: expected a readable file, found a"
            + " folder",
        "serve --model F/model --config F/nested.yaml | nested.yaml: expected YAML or JSON, found:"
            + " mapping values are not allowed here (line 1, column 5)",
        "serve --model F/model --config F/list.yaml | list.yaml: file: expected keys and values,"
            + " found [1]",
        "serve --model F/model --config F/bytes.yaml | expected a readable file, found bytes that"
            + " are not UTF-8",
        "serve --model F/model --config F/server.yaml | engine.threads: expected a whole number,"
            + " found `many`",
        "serve --model F/model --config F/pool.yaml | engine.kvBytesMax in KV blocks: expected 1 to"
            + " 67108864, found 0",
        "bench serve --shape tiny --config F/nowhere.yaml | nowhere.yaml: expected a readable file",
        "explain --query q --item x --model F/model --samples 2147483647 | samples: expected 0 to",
      })
  void modelsAndServers(String line, String message) {
    assertRefused(ExitCode.DATA, line, message.strip().replace('`', '"'));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "serve --model F/model --listen= --uds F/nowhere/x | uds: expected the directory",
        "serve --model F/model --listen= --uds F/folder | expected a socket or nothing at",
        "serve --model F/model --listen= --uds F/folder | found a folder",
        "score --query q --item x --target 127.0.0.1:1 | expected a server that answers, found",
      })
  void sockets(String line, String message) {
    assertRefused(ExitCode.UNAVAILABLE, line, message.strip());
    assertFalse(terminal.err().contains("free address"), terminal.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "score --model F/model --query q --items F/nowhere | expected a file, found nothing there",
        "score --model F/model --query q --items F/folder | expected a readable file, found a folder",
        "score --model F/model --query q --items F/empty.jsonl | expected one item a line, found",
        "score --model F/model --query q --items F/cut.jsonl.gz | found no whole gzip data",
        "score --model F/model --query q --items F/bytes.yaml | bytes.yaml:1: expected UTF-8 text",
        "evaluate --model F/model --data F/pairs.jsonl --quantization fp8 | quantization: expected"
            + " fp32 or int8 on a CPU, found fp8",
        "evaluate --model F/model --data F/nowhere | nowhere: expected a file, found nothing",
        "evaluate --model F/model --data F/folder | expected a readable file, found a folder",
        "evaluate --model F/model --data F/empty.jsonl | expected judged pairs, found none",
        "evaluate --model F/model --data F/broken.jsonl | broken.jsonl line 2: expected a JSON",
        "evaluate --model F/model --data F/text.jsonl.gz | text.jsonl.gz line 1: expected a JSON object",
        "evaluate --model F/model --data F/cut.jsonl.gz | found no whole gzip data",
        "evaluate --model F/model --data F/grade.jsonl | pair 1: expected a grade of [4.0, 3.0",
        "evaluate --model F/two-labels --data F/pairs.jsonl | expected a grade of [1.0, 0.0], found",
        "evaluate --model F/model --data F/pairs.jsonl --samples F/folder | found a folder",
        "compare --base F/model --model F/two-labels --data F/pairs.jsonl | two-labels: pair 1",
        "compare --base F/model --model F/model --judge F/model --data F/twice.jsonl | twice.jsonl:"
            + " expected every id once, found 1 again",
        "model prune --model F/model --out F/new --vocabulary 400 --corpus F/folder | folder:"
            + " expected a readable file, found a folder",
        "model prune --model F/model --out F/new --vocabulary 400 --corpus F/cut.jsonl.gz |"
            + " cut.jsonl.gz: expected a readable file, found no whole gzip data",
        "model prune --model F/model --out F/new --layers 1 --manifest F/nowhere | nowhere:"
            + " expected in",
        "model export --model F/model --out F/new --manifest F/folder | folder: expected a readable"
            + " file, found a folder",
        "model export --model F/model --out F/full | expected a folder that is empty or not there",
        "model init --shape tiny --out F/full | expected a folder that is empty or not there",
        "model init --shape tiny --out F/pairs.jsonl/x | expected a path that can be used, found",
      })
  void data(String line, String message) {
    assertRefused(ExitCode.DATA, line, message.strip());
    assertFalse(Files.exists(home.resolve("new")), "nothing is written before all was read");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "--config F/nowhere.yaml | nowhere.yaml: expected a file, found nothing",
        "--config F/folder | folder: expected a readable file, found a folder",
        "--config F/broken.yaml | broken.yaml: expected YAML or JSON, found: while parsing a flow"
            + " node, expected the node content, but found '<stream end>' (line 1, column 9)",
        "--config F/list.yaml | expected keys and values, found [1]",
        "--config F/sft.yaml --set epochs=-1 | epochs: expected more than 0, found -1",
        "--config F/sft.yaml --set epochs=some | epochs: expected a whole number, found",
        "--config F/sft.yaml --set trainable=[ | trainable: expected YAML or JSON, found",
        "--config F/sft.yaml --set =5 | expected KEY=VALUE, found =5",
        "--config F/sft.yaml --set lora.rank=0 | lora: expected rank and alpha above 0, found 0",
        "--config F/sft.yaml --set rounding.bits=5 | rounding: expected bits 4 or 8",
        "--config F/sft.yaml --set data.0.path=F/folder | expected a readable file, found a folder",
      })
  void stages(String line, String message) {
    assertRefused(ExitCode.DATA, "train sft --out F/run " + line, message.strip());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "score --model F/model --query q --item x --threads x | '--threads': expected a whole"
            + " number from -2^31 to 2^31 - 1, found 'x'",
        "score --model F/model --query q --item x --threads 99999999999 | found '99999999999'",
        "score --model F/model --query q --item x --deadline soon | expected a number, found 'soon'",
        "score --model F/model --query q --item x --deadline NaN | expected 0 to 1000000 seconds",
        "score --model F/model --query q --item x --quantization fp8 | expected one of fp32, int8 on"
            + " cpu, found",
        "serve --model F/model --device cpu,cpu --quantization bf16 | expected one of fp32, int8 on",
        "bench serve --shape tiny --seconds NaN | --seconds: expected 0.01 to 86400, found NaN",
        "bench pipe --model F/model --labels a | expected a whole number from",
        "bench explain --shape tiny --streams 99999 --prompt 99999 | expected less than 2^31 tokens",
        "bench explain --shape tiny --prompt 2147483647 | expected less than 2^31 tokens, found",
        "bench score --shape tiny --prefix 1 --items 99999 --item-tokens 99999 | expected less"
            + " than 2^31 tokens, found more",
        "train | expected a command: teach, sft, sample, dpo, grpo or calibrate",
      })
  void numbers(String line, String message) {
    assertRefused(ExitCode.USAGE, line, message.strip());
  }

  @ParameterizedTest
  @CsvSource({"steps=0", "steps=-1", "microTokens=0", "warmupShare=2"})
  void aRunThatCannotBeginLeavesNoFolder(String setting) {
    String[] shared = {"model=F/model", "data=F/pairs.jsonl", "steps=1"};
    String line = "train grpo --out F/grpo --set " + String.join(" --set ", shared);
    String key = setting.substring(0, setting.indexOf('='));
    assertRefused(ExitCode.DATA, line + " --set " + setting, key + ": expected");
    assertFalse(Files.exists(home.resolve("grpo")));
  }
}
