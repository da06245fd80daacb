package dev.gavel.cli.realmodel;

import dev.gavel.engine.DType;
import dev.gavel.relevance.model.HalfFloats;
import dev.gavel.relevance.model.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** SmolLM2-135M-Instruct, where it lies beside the checkout with its weights as GGUF. */
final class SmolLm2 {
  static final Path FOLDER =
      Path.of(System.getProperty("basedir", ""))
          .toAbsolutePath()
          .resolve("../../shared/models/smollm2-135m-instruct")
          .normalize();
  private static final String WEIGHTS = "weights.q4_1.gguf";
  private static final int HEAD_DIM = 64;

  /** Names of a layer's parts in a Hugging Face checkpoint. */
  private static final Map<String, String> PARTS =
      Map.of(
          "attn_q", "self_attn.q_proj",
          "attn_k", "self_attn.k_proj",
          "attn_v", "self_attn.v_proj",
          "attn_output", "self_attn.o_proj",
          "ffn_gate", "mlp.gate_proj",
          "ffn_up", "mlp.up_proj",
          "ffn_down", "mlp.down_proj",
          "attn_norm", "input_layernorm",
          "ffn_norm", "post_attention_layernorm");

  private SmolLm2() {}

  static boolean isPresent() {
    return Files.exists(FOLDER.resolve(WEIGHTS));
  }

  /** Writes the model as an ordinary Hugging Face directory in binary16. */
  static void unpack(Path out) throws IOException {
    for (String file :
        List.of(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja")) {
      Files.copy(FOLDER.resolve(file), out.resolve(file));
    }
    GgufFile gguf = new GgufFile(FOLDER.resolve(WEIGHTS));
    List<SafetensorsWriter.Tensor> tensors =
        gguf.tensors().stream()
            .map(t -> new SafetensorsWriter.Tensor(name(t.name()), DType.F16, t.shape()))
            .toList();
    Path file = out.resolve("model.safetensors");
    try (SafetensorsWriter writer = new SafetensorsWriter(file, tensors, Map.of("format", "pt"))) {
      for (GgufFile.Tensor tensor : gguf.tensors()) {
        writer.write(halves(gguf, tensor));
      }
      writer.finish();
    }
  }

  private static String name(String name) {
    if (name.equals("token_embd.weight")) {
      return "model.embed_tokens.weight";
    } else if (name.equals("output_norm.weight")) {
      return "model.norm.weight";
    }
    String[] words = name.split("\\."); // blk, layer, part, weight
    return "model.layers." + words[1] + "." + PARTS.get(words[2]) + ".weight";
  }

  private static ByteBuffer halves(GgufFile gguf, GgufFile.Tensor tensor) {
    boolean rotary = tensor.name().contains("attn_q.") || tensor.name().contains("attn_k.");
    float[] row = new float[tensor.columns()];
    ByteBuffer out = ByteBuffer.allocate(tensor.rows() * row.length * Short.BYTES);
    out.order(ByteOrder.LITTLE_ENDIAN);
    for (int r = 0; r < tensor.rows(); r++) {
      gguf.read(tensor, rotary ? interleaved(r) : r, row);
      for (float weight : row) {
        out.putShort(HalfFloats.toF16(weight));
      }
    }
    return out.flip();
  }

  /** GGUF has the two rows of a rotary pair side by side, Hugging Face half a head apart. */
  private static int interleaved(int row) {
    int inHead = row % HEAD_DIM;
    int pair = inHead % (HEAD_DIM / 2);
    int second = inHead / (HEAD_DIM / 2);
    return row - inHead + 2 * pair + second;
  }
}
