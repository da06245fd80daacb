package dev.gavel.engine.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** Tells JavaCPP how to bind {@code gavel.h}; the only C header that Java sees. */
@Properties(
    value = @Platform(include = "gavel.h", link = "gavel"),
    target = "dev.gavel.engine.binding",
    global = "dev.gavel.engine.binding.Gavel")
public class GavelPreset implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap
        .put(new Info("GAVEL_API").cppTypes().annotations())
        .put(
            new Info("gavel_all_reduce")
                .valueTypes("NativeAllReduce")
                .pointerTypes("NativeAllReduce"))
        .put(new Info("gavel_engine").pointerTypes("NativeEngine"))
        .put(new Info("gavel_labels").pointerTypes("NativeLabels"))
        .put(new Info("gavel_config").pointerTypes("NativeConfig"))
        .put(new Info("gavel_info").pointerTypes("NativeInfo"))
        .put(new Info("gavel_batch").pointerTypes("NativeBatch"))
        .put(new Info("gavel_outputs").pointerTypes("NativeOutputs"));
  }
}
