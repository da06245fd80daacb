package dev.gavel.training.dpo;

import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.BatchPlan;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;

/**
 * What the reference says of every response, computed once, before the model is trained, and kept
 * beside the run: a resumed run has no reference any more.
 */
final class ReferenceCache {
  private static final String FILE = "reference.f64";
  private static final int MAGIC = 0x47564c52;

  private ReferenceCache() {}

  /**
   * Log-probabilities of the targets of every sequence, from the file or from the model.
   *
   * @param reference with the weights that training starts from
   */
  static double[][] of(
      Path home, List<PackedBatch.Sequence> sequences, CausalLm reference, int microTokens)
      throws IOException {
    Path file = home.resolve(FILE);
    int fingerprint = fingerprint(sequences);
    if (Files.exists(file)) {
      return read(file, sequences, fingerprint);
    }
    double[][] out = scored(sequences, reference, microTokens);
    Files.createDirectories(home);
    Path partial = home.resolve(FILE + ".partial");
    try (DataOutputStream bytes =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(partial)))) {
      bytes.writeInt(MAGIC);
      bytes.writeInt(fingerprint);
      for (double[] logs : out) {
        for (double log : logs) {
          bytes.writeDouble(log);
        }
      }
    }
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
    return out;
  }

  /** A number that other sequences hardly have. */
  static int fingerprint(List<PackedBatch.Sequence> sequences) {
    int out = sequences.size();
    for (PackedBatch.Sequence each : sequences) {
      out = 31 * out + Arrays.hashCode(each.tokens());
      out = 31 * out + Arrays.hashCode(each.rows());
      out = 31 * out + Arrays.hashCode(each.targets());
    }
    return out;
  }

  private static double[][] read(Path file, List<PackedBatch.Sequence> sequences, int fingerprint)
      throws IOException {
    try (DataInputStream bytes =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      if (bytes.readInt() != MAGIC || bytes.readInt() != fingerprint) {
        throw new IllegalArgumentException(
            file + ": expected the reference of these preferences, found another's");
      }
      double[][] out = new double[sequences.size()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = new double[sequences.get(i).targets().length];
        for (int j = 0; j < out[i].length; j++) {
          out[i][j] = bytes.readDouble();
        }
      }
      return out;
    }
  }

  private static double[][] scored(
      List<PackedBatch.Sequence> sequences, CausalLm reference, int microTokens) {
    double[][] out = new double[sequences.size()][];
    int[] lengths = sequences.stream().mapToInt(PackedBatch.Sequence::length).toArray();
    for (int[] micro : BatchPlan.micros(lengths, microTokens)) {
      score(sequences, reference, micro, out);
    }
    return out;
  }

  private static void score(
      List<PackedBatch.Sequence> sequences, CausalLm reference, int[] micro, double[][] out) {
    double[] logs =
        reference.score(PackedBatch.of(Arrays.stream(micro).mapToObj(sequences::get).toList()));
    int at = 0;
    for (int i : micro) {
      int targets = sequences.get(i).targets().length;
      out[i] = Arrays.copyOfRange(logs, at, at + targets);
      at += targets;
    }
  }
}
