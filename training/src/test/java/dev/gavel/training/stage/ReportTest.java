package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.IntNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  @TempDir Path folder;

  @Test
  void writesBothFormsAndThePlots() throws IOException {
    Report report = new Report("A run");
    report.section("One").text("Some *words*.\n");
    report.table(List.of("a", "b"), List.of(List.of("x|y", "1\n2"), List.of("", "3")));
    report.section("Two").plot("curve", "A curve", "<svg/>").data("answer", IntNode.valueOf(42));
    report.write(folder.resolve("deep"));
    assertEquals(
        """
        # A run

        ## One

        Some *words*.

        | a | b |
        |---|---|
        | x\\|y | 1 2 |
        |  | 3 |

        ## Two

        ![A curve](curve.svg)
        """,
        Files.readString(folder.resolve("deep/report.md")));
    assertEquals("<svg/>", Files.readString(folder.resolve("deep/curve.svg")));
    JsonNode json = new JsonMapper().readTree(folder.resolve("deep/report.json").toFile());
    assertEquals("A run", json.get("title").asText());
    assertEquals(42, json.get("answer").asInt());
    assertEquals("x|y", json.at("/sections/0/parts/1/table/rows/0/0").asText());
    assertEquals("curve.svg", json.at("/sections/1/parts/0/plot").asText());
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Report report = new Report("r").plot("a", "", "");
    assertThrows(IllegalArgumentException.class, () -> report.plot("a", "", ""));
    assertThrows(IllegalArgumentException.class, () -> report.plot("../b", "", ""));
    assertThrows(IllegalArgumentException.class, () -> report.data("title", IntNode.valueOf(1)));
    assertThrows(
        IllegalArgumentException.class,
        () -> report.table(List.of("a"), List.of(List.of("b", "c"))));
  }
}
