package dev.gavel.server.api;

import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.Status;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TierRule;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.GpuReading;
import dev.gavel.server.scheduling.ExplainJob;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.StageSeconds;
import dev.gavel.v1.Device;
import dev.gavel.v1.FinishReason;
import dev.gavel.v1.Gpu;
import dev.gavel.v1.Item;
import dev.gavel.v1.Label;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.LabelTokens;
import dev.gavel.v1.Limits;
import dev.gavel.v1.Model;
import dev.gavel.v1.ModelVersion;
import dev.gavel.v1.Order;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.StageTimes;
import dev.gavel.v1.Tier;
import dev.gavel.v1.TokenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Between the wire's messages and our own types. Pure. */
final class Wire {
  private static final Status OK = Status.newBuilder().setCode(Code.OK_VALUE).build();

  private Wire() {}

  static dev.gavel.relevance.Item item(Item item) {
    List<dev.gavel.relevance.Attribute> attributes = new ArrayList<>(item.getAttributesCount());
    for (dev.gavel.v1.Attribute attribute : item.getAttributesList()) {
      attributes.add(new dev.gavel.relevance.Attribute(attribute.getName(), attribute.getValue()));
    }
    return new dev.gavel.relevance.Item(
        item.getId(), item.getText(), item.getTitle(), item.getDescription(), attributes);
  }

  static List<dev.gavel.relevance.Item> items(List<Item> items) {
    return items.stream().map(Wire::item).toList();
  }

  /** The order asked for, else the model's. */
  static dev.gavel.relevance.Order order(Order order, RelevanceModel model) {
    return switch (order) {
      case LABEL_FIRST -> dev.gavel.relevance.Order.LABEL_FIRST;
      case THINK_FIRST -> dev.gavel.relevance.Order.THINK_FIRST;
      case ORDER_UNSPECIFIED, UNRECOGNIZED -> model.order();
    };
  }

  static Tier tier(dev.gavel.relevance.Tier tier) {
    return switch (tier) {
      case GOOD -> Tier.GOOD;
      case MID -> Tier.MID;
      case BAD -> Tier.BAD;
    };
  }

  static FinishReason finish(ExplainJob.Finish finish) {
    return switch (finish) {
      case END_OF_TEXT -> FinishReason.END_OF_TEXT;
      case STOP -> FinishReason.STOP;
      case LENGTH -> FinishReason.LENGTH;
    };
  }

  static ScoredItem.Builder failed(String id, Fault fault, String message) {
    return ScoredItem.newBuilder()
        .setId(id)
        .setStatus(ErrorTable.status(FaultException.of(fault, message)));
  }

  /** A judgment, without what is known of its tokens. */
  static ScoredItem.Builder judged(String id, LabelDistribution distribution, TierRule rule) {
    return ScoredItem.newBuilder()
        .setId(id)
        .setStatus(OK)
        .addAllDistribution(distribution(distribution))
        .setLabel(distribution.labels().get(distribution.best()).name())
        .setTier(tier(rule.tier(distribution)))
        .setExpectedGrade(distribution.expectedGrade());
  }

  static List<LabelProbability> distribution(LabelDistribution distribution) {
    List<LabelProbability> all = new ArrayList<>(distribution.labels().size());
    for (int i = 0; i < distribution.labels().size(); i++) {
      all.add(
          LabelProbability.newBuilder()
              .setLabel(distribution.labels().get(i).name())
              .setGrade(distribution.labels().get(i).grade())
              .setProbability(distribution.probability(i))
              .setLogProbability(distribution.logProbability(i))
              .build());
    }
    return all;
  }

  static ScoredItem.Builder tokens(ScoredItem.Builder item, EncodedItem encoded) {
    return item.addAllSuffixTokens(asList(encoded.suffix()));
  }

  static List<Integer> asList(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  static List<LabelTokens> labelTokens(RelevanceModel model) {
    List<LabelTokens> all = new ArrayList<>();
    for (int i = 0; i < model.labels().size(); i++) {
      LabelTokens.Builder label = LabelTokens.newBuilder().setLabel(model.labels().get(i).name());
      for (int[] form : model.labelTokens().get(i)) {
        label.addForms(TokenSequence.newBuilder().addAllTokens(asList(form)));
      }
      all.add(label.build());
    }
    return all;
  }

  static StageTimes times(double tokenizeSeconds, StageSeconds stages) {
    return StageTimes.newBuilder()
        .setTokenize(duration(tokenizeSeconds))
        .setQueue(duration(stages.queue()))
        .setPrefill(duration(stages.prefill()))
        .setHead(duration(stages.head()))
        .build();
  }

  static Duration duration(double seconds) {
    long nanos = (long) (Math.max(0, seconds) * 1e9);
    return Duration.newBuilder()
        .setSeconds(nanos / 1_000_000_000)
        .setNanos((int) (nanos % 1_000_000_000))
        .build();
  }

  static ModelVersion version(Serving serving) {
    return ModelVersion.newBuilder()
        .setName(serving.model().name())
        .setVersion(serving.model().version())
        .setQuantization(serving.engine().quantization().id())
        .setDevice(serving.device())
        .build();
  }

  static Model model(Serving serving) {
    RelevanceModel model = serving.model();
    Model.Builder answer =
        Model.newBuilder()
            .setVersion(version(serving))
            .setTierRule(tierRule(model.tierRule()))
            .setLimits(limits(model.limits(), serving.requestBytesMax()))
            .setArchitecture(model.config().architecture())
            .setParameters(serving.engine().parameters())
            .setContextTokens(model.config().maxPositions())
            .setOrder(
                model.order() == dev.gavel.relevance.Order.LABEL_FIRST
                    ? Order.LABEL_FIRST
                    : Order.THINK_FIRST)
            .putAllProvenance(model.provenance());
    for (dev.gavel.relevance.Label label : model.labels()) {
      answer.addLabels(
          Label.newBuilder()
              .setName(label.name())
              .setGrade(label.grade())
              .addAllSurfaceForms(label.surfaceForms()));
    }
    serving.devices().get().forEach(device -> answer.addDevices(device(device)));
    return answer.build();
  }

  private static Device device(DeviceReport report) {
    Device.Builder device = Device.newBuilder().setState(Device.State.UNUSED);
    if (report.state() != null) {
      device
          .setName(report.state().name())
          .setState(report.state().serves() ? Device.State.SERVING : Device.State.FAILED);
      if (!report.state().serves()) {
        device.setProblem(report.state().problem());
      }
    }
    report.gpus().forEach(gpu -> device.addGpus(gpu(gpu)));
    return device.build();
  }

  private static Gpu gpu(GpuReading reading) {
    Gpu.Builder gpu =
        Gpu.newBuilder()
            .setProduct(reading.product())
            .setUuid(reading.uuid())
            .setBus(reading.bus())
            .addAllThrottling(reading.throttling());
    if (reading.memoryBytes() != DeviceStats.UNKNOWN) {
      gpu.setMemoryBytes(reading.memoryBytes());
    }
    if (reading.memoryUsedBytes() != DeviceStats.UNKNOWN) {
      gpu.setMemoryUsedBytes(reading.memoryUsedBytes());
    }
    if (reading.utilizationPercent() != DeviceStats.UNKNOWN) {
      gpu.setUtilizationPercent(reading.utilizationPercent());
    }
    if (reading.temperatureCelsius() != DeviceStats.UNKNOWN) {
      gpu.setTemperatureCelsius(reading.temperatureCelsius());
    }
    return gpu.build();
  }

  private static dev.gavel.v1.TierRule tierRule(TierRule rule) {
    return dev.gavel.v1.TierRule.newBuilder()
        .setThreshold(rule.threshold())
        .addAllTiers(rule.tiers().stream().map(Wire::tier).toList())
        .build();
  }

  private static Limits limits(dev.gavel.relevance.Limits limits, int requestBytesMax) {
    return Limits.newBuilder()
        .setItems(limits.itemsMax())
        .setQueryTokens(limits.queryTokensMax())
        .setItemTokens(limits.itemTokensMax())
        .setExplainTokens(limits.explainTokensMax())
        .setSamples(limits.samplesMax())
        .setRequestBytes(requestBytesMax)
        .build();
  }
}
