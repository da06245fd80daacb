package dev.gavel.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
  @Test
  void reads() {
    assertEquals(new Target.Tcp("localhost", 7850), Target.parse("localhost:7850"));
    assertEquals(new Target.Tcp("::1", 1), Target.parse("[::1]:1"));
    assertEquals("[::1]:1", Target.parse("[::1]:1").toString());
    assertEquals(new Target.Unix(Path.of("/run/g.sock")), Target.parse("unix:/run/g.sock"));
    assertEquals(new Target.Unix(Path.of("/run/g.sock")), Target.parse("unix:///run/g.sock"));
    assertEquals(new Target.Unix(Path.of("g.sock")), Target.parse("unix:g.sock"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        ":7850",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "h:x",
        "::1:7850",
        "unix:",
        "[]:1"
      })
  void refuses(String text) {
    var thrown = assertThrows(IllegalArgumentException.class, () -> Target.parse(text));
    assertTrue(thrown.getMessage().contains("found '" + text + "'"), thrown.getMessage());
  }
}
