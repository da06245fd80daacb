package dev.gavel.training.dpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.rollout.PolicyEngine;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.rollout.Sample;
import dev.gavel.training.rollout.SampleEncoder;
import dev.gavel.training.rollout.SampleFile;
import dev.gavel.training.rollout.SamplingSpec;
import dev.gavel.training.sft.ResponseEncoder.Form;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PreferenceBuilderTest {
  @TempDir static Path folder;
  private static RelevanceModel model;

  @BeforeAll
  static void open() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), folder, 3, DType.BF16);
    model = RelevanceModel.open(folder);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static Judgment pair(String id, int grade, String rationale) {
    return Judgment.graded(id, "red shoes", Item.ofText("shoes " + id), grade)
        .withRationale(rationale);
  }

  private static Sample sample(int label, String text) {
    return Sample.ofText(label, text, true);
  }

  private static String text(PackedBatch.Sequence sequence) {
    return model.detokenize(sequence.targets());
  }

  @Test
  void pairsAreSortedByHowManyAreRight() {
    List<Judgment> pairs =
        List.of(
            pair("some", 3, " teacher"),
            pair("none", 4, " teacher"),
            pair("all", 1, " teacher"),
            pair("mute", 2, ""),
            pair("new", 2, ""));
    Map<String, List<Sample>> samples =
        Map.of(
            "some", List.of(sample(0, " a"), sample(1, " b"), sample(1, " c"), sample(3, " d")),
            "none", List.of(sample(1, " e"), sample(2, " f")),
            "all", List.of(sample(3, " g"), sample(3, " h")),
            "mute", List.of(sample(3, " i")));
    PreferenceBuilder.Built built =
        new PreferenceBuilder(model, Form.LABEL_FIRST, 3, 1).build(pairs, samples);
    assertEquals(new PreferenceBuilder.Counts(5, 1, 1, 1, 1, 1), built.counts());
    List<Preference> out = built.preferences();
    assertEquals(4, out.size());
    for (Preference each : out) {
      assertEquals(each.kind() == Preference.Kind.ORACLE, each.id().equals("none"));
      assertArrayEquals(promptOf(each.chosen()), promptOf(each.rejected()));
    }
    assertTrue(text(out.get(0).chosen()).startsWith("Mostly "), text(out.get(0).chosen()));
    assertTrue(text(out.get(0).rejected()).matches("(Yes a|No d).*"));
    assertEquals("Yes teacher<|im_end|>", text(out.get(2).chosen()));
    assertTrue(text(out.get(3).rejected()).matches("(Mostly e|Partly f)<.im_end.>"));
    // The same seed makes the same choice.
    List<Preference> again =
        new PreferenceBuilder(model, Form.LABEL_FIRST, 3, 1)
            .build(List.of(pairs.get(0)), samples)
            .preferences();
    assertArrayEquals(out.get(0).rejected().tokens(), again.get(0).rejected().tokens());
  }

  private static int[] promptOf(PackedBatch.Sequence sequence) {
    return Arrays.copyOf(sequence.tokens(), sequence.rows()[0] + 1);
  }

  @Test
  void chosenResponsesCameToTheirEndWhereAnyDid() {
    Sample cut = Sample.ofText(0, " cut", false);
    for (long seed = 0; seed < 8; seed++) {
      Preference out =
          new PreferenceBuilder(model, Form.LABEL_FIRST, 1, seed)
              .build(
                  List.of(pair("p", 4, "")),
                  Map.of("p", List.of(cut, sample(0, " whole"), cut, sample(2, " wrong"))))
              .preferences()
              .get(0);
      assertEquals("Yes whole<|im_end|>", text(out.chosen()));
    }
  }

  @Test
  void aThinkFirstTeacherWritesTheStopItself() {
    // The cue is "\nAnswer:\n", the stop "\nAnswer:".
    PackedBatch.Sequence sequence =
        new SampleEncoder(model, Form.THINK_FIRST)
            .encode(pair("p", 4, ""), Sample.ofText(0, "It fits.", true));
    assertEquals("It fits.\nAnswer:Yes", text(sequence));
    PackedBatch.Sequence cut =
        new SampleEncoder(model, Form.THINK_FIRST)
            .encode(pair("p", 4, ""), Sample.ofText(0, "It fits.", false));
    assertEquals("It fits.Yes", text(cut));
    assertArrayEquals(sequence.tokens(), cut.tokens());
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void samplesSurviveTheirFile(Form form) throws IOException {
    List<Judgment> pairs = List.of(pair("p", 4, ""), pair("q", 1, ""));
    SampleFile file = new SampleFile(folder.resolve(form + ".jsonl"), model.labels());
    SampleFile texts = new SampleFile(folder.resolve(form + "-texts.jsonl"), model.labels());
    List<List<Rollout>> groups;
    try (PolicyEngine engine =
        new PolicyEngine(model, EngineOptions.defaults().withThreads(1).withBlocks(256))) {
      engine.load();
      groups = engine.sample(pairs, 3, SamplingSpec.plain(form, 12, 1));
    }
    for (List<Rollout> group : groups) {
      String id = pairs.get(group.get(0).pair()).id();
      file.append(id, 0, group.stream().map(Sample::of).toList());
      texts.append(id, 0, group.stream().map(Sample::of).map(Sample::textOnly).toList());
    }
    SampleEncoder encoder = new SampleEncoder(model, form);
    Map<String, List<Sample>> read = file.read();
    assertEquals(List.of("p", "q"), List.copyOf(read.keySet()));
    for (int i = 0; i < 6; i++) {
      Rollout rollout = groups.get(i / 3).get(i % 3);
      Judgment pair = pairs.get(i / 3);
      Sample sample = read.get(pair.id()).get(i % 3);
      PackedBatch.Sequence sequence = encoder.encode(pair, sample);
      assertArrayEquals(rollout.sequence().tokens(), sequence.tokens());
      assertArrayEquals(rollout.sequence().rows(), sequence.rows());
      assertArrayEquals(rollout.logProbs(), sample.drawn().orElseThrow().logProbs());
      assertEquals(rollout.text(), sample.text());
      assertEquals(sample.textOnly(), texts.read().get(pair.id()).get(i % 3));
    }
    // A line that was cut off is done again.
    String whole = Files.readString(folder.resolve(form + ".jsonl"));
    Files.writeString(folder.resolve(form + ".jsonl"), whole.substring(0, whole.length() - 20));
    file.repair();
    assertEquals(List.of("p"), List.copyOf(file.read().keySet()));
  }
}
