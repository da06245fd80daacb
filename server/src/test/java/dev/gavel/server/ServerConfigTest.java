package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.server.fake.FakeModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServerConfigTest {
  @TempDir Path directory;

  private ServerConfig read(String text) throws Exception {
    return ServerConfig.read(Files.writeString(directory.resolve("gavel.yaml"), text));
  }

  @Test
  void emptyFileIsTheDefaults() throws Exception {
    assertEquals(ServerConfig.defaults(), read(""));
    assertEquals(ServerConfig.defaults(), read("# nothing\n"));
    assertEquals("127.0.0.1:8980", ServerConfig.defaults().listen());
  }

  @Test
  void yamlAndJsonLayOverTheDefaults() throws Exception {
    ServerConfig yaml =
        read("uds: /run/g.sock\nlimits:\n  queueItemsMax: 7\nengine:\n  quantization: int8\n");
    assertEquals("/run/g.sock", yaml.uds());
    assertEquals(7, yaml.limits().queueItemsMax());
    assertTrue(yaml.engine().kvCacheEnabled());
    assertFalse(read("engine: {kvCacheEnabled: false}").engine().kvCacheEnabled());
    assertEquals(ServerConfig.defaults().limits().queueTokensMax(), yaml.limits().queueTokensMax());
    assertEquals(
        yaml,
        read(
            "{\"uds\": \"/run/g.sock\", \"limits\": {\"queueItemsMax\": 7},"
                + " \"engine\": {\"quantization\": \"int8\"}}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lisen: a | lisen: expected one of [listen, uds, drainSecondsMax, limits, engine,"
            + " resultCache, connections], found an unknown key",
        "'limits: {queueMax: 1}' | limits.queueMax: expected one of [requestBytesMax,",
        "'limits: {queueItemsMax: many}' | limits.queueItemsMax: expected a whole number, found"
            + " \"many\"",
        "'limits: {queueItemsMax: 1.5}' | expected a whole number, found 1.5",
        "'limits: {queueItemsMax: 0}' | limits.queueItemsMax: expected 1 to 1000000000, found 0",
        "'resultCache: {secondsMax: 0}' | resultCache.secondsMax: expected 1 to 1000000000, found 0",
        "'limits: 3' | limits: expected keys and values, found 3",
        "'[1]' | expected keys and values",
        "'engine: {quantization: int4}' | expected one of fp32, int8 on cpu, found \"int4\"",
        "'engine: {quantization: fp8}' | expected one of fp32, int8 on cpu, found \"fp8\"",
        "'engine: {device: \"cuda:0\", quantization: fp32}' | expected one of bf16, fp16, fp8 on cuda:0,"
            + " found \"fp32\"",
        "'engine: {threads: 99999999999}' | gavel.yaml: engine.threads: expected a whole number of 32"
            + " bits, found 99999999999",
        "'engine: {kvBytesMax: 99999999999999999999}' | engine.kvBytesMax: expected a whole number of"
            + " 64 bits",
        "'engine: {threads: 1, threads: 2}' | Duplicate field 'threads'",
        "'engine: {cores: 3}' | engine.cores: expected a text",
        "'engine: {cores: two}' | engine.cores: expected processors such as 0-3,6",
        "'engine: {cores: \"0,1\", threads: 3}' | engine.cores: expected 3",
        "'engine: {cores: \"0,1\", devices: [cpu, cpu, cpu]}' | engine.cores: expected one for each",
        "'engine: {cores: \"0\", device: \"cuda:0\"}' | engine.cores: expected none",
        "'engine: {kvCacheEnabled: 1}' | engine.kvCacheEnabled: expected true or false, found 1",
        "'engine: {device: gpu}' | engine.device: expected cpu, cuda:N or cuda:N+M, found \"gpu\"",
        "'engine: {device: [cpu]}' | engine.device: expected a text, found [\"cpu\"]",
        "'engine: {devices: cpu}' | engine.devices: expected a list of texts, found \"cpu\"",
        "'engine: {devices: [0]}' | engine.devices: expected a list of texts, found [0]",
        "'engine: {devices: [\"cuda:x\"]}' | engine.devices: expected cpu, cuda:N",
        "'engine: {devices: [cpu, \"cuda:0\"]}' | expected devices of one kind",
        "'engine: {devices: [\"cuda:1\", \"cuda:1\"]}' | expected each GPU once, found cuda:1 twice",
        "'engine: {devices: [\"cuda:1\", \"cuda:01\"]}' | expected each GPU once, found cuda:1 twice",
        "'engine: {device: \"cuda:0+0\"}' | engine.device: expected each GPU once, found cuda:0 twice",
        "'engine: {devices: [cuda, \"cuda:0\"]}' | expected each GPU once, found cuda:0 twice",
        "'engine: {devices: [\"cuda:0+1\", \"cuda:1+2\"]}' | expected each GPU once, found cuda:1",
        "'engine: {device: \"cuda:0\", devices: [\"cuda:1\"]}' | expected device or devices",
        "'listen: 7' | listen: expected a text, found 7",
        "'listen: \"a:b\"' | listen: expected host:port",
        "'listen: \"a:70000\"' | listen: expected host:port",
        "'uds: {' | expected YAML or JSON",
      })
  void mistakesAreNamed(String text, String expected) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> read(text));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
    assertTrue(e.getMessage().contains("gavel.yaml"), e.getMessage());
  }

  @Test
  void missingFile() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> ServerConfig.read(directory.resolve("none")));
    assertTrue(e.getMessage().contains("expected a readable file"), e.getMessage());
  }

  @Test
  void addresses() {
    assertNull(ListenAddress.parse(""));
    assertEquals(8980, ListenAddress.parse("localhost").getPort());
    assertEquals(0, ListenAddress.parse("127.0.0.1:0").getPort());
    assertEquals(81, ListenAddress.parse("[::1]:81").getPort());
    assertEquals(8980, ListenAddress.parse("[::1]").getPort());
    assertTrue(ListenAddress.parse(":82").getAddress().isAnyLocalAddress());
    assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse("::1"));
  }

  @Test
  void engineOptions() throws Exception {
    EngineOptions options =
        read("engine: {kvBytesMax: 10240, blockTokens: 8, threads: 3, quantization: int8}")
            .engineOptions(new FakeModel().config())
            .get(0);
    // The fake model: one layer, one KV head of 8: 32 bytes a token in bf16, 256 a block.
    assertEquals(40, options.blocks());
    assertEquals(
        20,
        read("engine: {kvBytesMax: 10240, blockTokens: 8}")
            .engineOptions(new FakeModel().config())
            .get(0)
            .blocks());
    assertEquals(3, options.threads());
    assertTrue(options.cudaGraphs());
    assertFalse(
        read("engine: {cudaGraphsEnabled: false, threads: 3}")
            .withQuantization(Quantization.INT8)
            .engineOptions(new FakeModel().config())
            .get(0)
            .cudaGraphs());
    assertEquals(Quantization.INT8, options.quantization());
    EngineOptions onCuda =
        read("engine: {device: 'cuda:0', kvBytesMax: 10240, blockTokens: 8}")
            .engineOptions(new FakeModel().config())
            .get(0);
    assertEquals(Quantization.BF16, onCuda.quantization());
    assertEquals(40, onCuda.blocks());
    assertEquals(
        1024, ServerConfig.defaults().engineOptions(new FakeModel().config()).get(0).blocks());
    assertThrows(
        IllegalArgumentException.class,
        () -> read("engine: {kvBytesMax: 5}").engineOptions(new FakeModel().config()).get(0));
  }

  private List<EngineOptions> options(String text) throws Exception {
    return read(text).engineOptions(new FakeModel().config());
  }

  @Test
  void oneEngineADevice() throws Exception {
    assertEquals(List.of("cpu"), devices(""));
    assertEquals(List.of("cuda:0"), devices("engine: {device: cuda}"));
    assertEquals(
        List.of("cuda:0+1", "cuda:2+3"),
        devices("engine: {devices: [\"cuda:0+1\", \"cuda:2+3\"]}"));
    assertEquals(List.of("cuda:3"), devices("engine: {devices: [\"cuda:3\"]}"));
    assertEquals(
        List.of("cuda:0", "cuda:1"), devices("engine: {devices: [\"cuda:0\", \"cuda:1\"]}"));
    assertEquals(List.of("cpu", "cpu", "cpu"), devices("engine: {devices: [cpu, cpu, cpu]}"));
  }

  private List<String> devices(String text) throws Exception {
    return options(text).stream().map(EngineOptions::device).toList();
  }

  @Test
  void threadsAreDealtOut() throws Exception {
    assertEquals(List.of(3, 2, 2), threads("engine: {devices: [cpu, cpu, cpu], threads: 7}"));
    assertEquals(List.of(1, 1), threads("engine: {devices: [cpu, cpu], threads: 1}"));
    int all = Runtime.getRuntime().availableProcessors();
    assertEquals(List.of(all), threads("engine: {threads: 0}"));
  }

  @Test
  void coresAreDealtOutWithThem() throws Exception {
    assertEquals(List.of(List.of()), cores(""));
    assertEquals(List.of(List.of(2, 4, 5)), cores("engine: {cores: \"2,4-5\"}"));
    assertEquals(
        List.of(List.of(3, 0), List.of(1)),
        cores("engine: {cores: \"3,0-1\", devices: [cpu, cpu], threads: 3}"));
    assertEquals(List.of(2, 1), threads("engine: {cores: \"3,0-1\", devices: [cpu, cpu]}"));
  }

  private List<List<Integer>> cores(String text) throws Exception {
    return options(text).stream().map(EngineOptions::cores).toList();
  }

  private List<Integer> threads(String text) throws Exception {
    return options(text).stream().map(EngineOptions::threads).toList();
  }
}
