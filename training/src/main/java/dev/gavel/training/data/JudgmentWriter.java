package dev.gavel.training.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Attribute;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** Writes what {@link JudgmentFile} reads; gzip if the name ends in {@code .gz}. */
public final class JudgmentWriter implements AutoCloseable {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private final BufferedWriter writer;

  public JudgmentWriter(Path file) throws IOException {
    OutputStream bytes = Files.newOutputStream(file);
    OutputStream out = file.toString().endsWith(".gz") ? new GZIPOutputStream(bytes) : bytes;
    writer = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
  }

  /** Appends one pair. */
  public void write(Judgment judgment) throws IOException {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("id", judgment.id()).put("query", judgment.query());
    putUnlessEmpty(json, "item_id", judgment.item().id());
    json.put("title", judgment.item().title());
    putUnlessEmpty(json, "description", judgment.item().description());
    if (!judgment.item().attributes().isEmpty()) {
      ArrayNode attributes = json.putArray("attributes");
      for (Attribute attribute : judgment.item().attributes()) {
        attributes.addObject().put("name", attribute.name()).put("value", attribute.value());
      }
    }
    judgment.grade().ifPresent(grade -> json.put("grade", grade));
    judgment.relevance().ifPresent(relevance -> json.put("relevance", relevance));
    if (!judgment.distribution().isEmpty()) {
      judgment.distribution().forEach(json.putArray("distribution")::add);
    }
    putUnlessEmpty(json, "rationale", judgment.rationale());
    writer.write(MAPPER.writeValueAsString(json));
    writer.write('\n');
  }

  private static void putUnlessEmpty(ObjectNode json, String key, String value) {
    if (!value.isEmpty()) {
      json.put(key, value);
    }
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }
}
