package dev.gavel.cli;

import dev.gavel.engine.CoreList;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.server.ServerConfig;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** How a local engine computes. What is not given stays as it was. */
public final class EngineFlags {
  private static final int THREADS_MAX = 1024;

  @Option(
      names = "--quantization",
      paramLabel = "fp32|int8|bf16|fp16|fp8",
      converter = QuantizationConverter.class,
      description =
          "How the model computes: on a CPU fp32 (its default, exact) or int8, on a CUDA device bf16"
              + " (its default), fp16 or fp8.")
  private Quantization quantization;

  @Option(names = "--threads", paramLabel = "T", description = "CPU threads; default: all cores.")
  private Integer threads;

  @Option(
      names = "--device",
      paramLabel = "DEVICE[,DEVICE]",
      split = ",",
      description =
          "Where to compute: cpu (the default), cuda:N or cuda:N+M, which is then required; a"
              + " server takes several, cpu also more than once.")
  private List<String> devices;

  @Option(
      names = "--cores",
      paramLabel = "LIST",
      description = "Bind threads, one each, to processors such as 0-3,6; default: not bound.")
  private String cores;

  /** For an engine without a server. */
  public EngineOptions options(Action action) {
    EngineOptions options = EngineOptions.defaults();
    if (devices != null) {
      options = options.withDevice(oneDevice(action));
    }
    if (quantization != null) {
      options = options.withQuantization(quantization);
    }
    if (threads != null) {
      options = options.withThreads(checkedThreads(action));
    }
    return cores == null ? options : options.withCores(checkedCores(action));
  }

  /**
   * The server's settings in a file over the defaults; the defaults where {@code file} is null.
   *
   * @throws CliException naming the file and what is wrong with it
   */
  public static ServerConfig read(Path file) {
    try {
      return file == null ? ServerConfig.defaults() : ServerConfig.read(file);
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
  }

  private String oneDevice(Action action) {
    if (devices.size() != 1) {
      throw action.usage("--device: expected one device here, found " + devices);
    }
    return checked(devices, action).allDevices().get(0);
  }

  /** For a server. */
  public ServerConfig applyTo(ServerConfig config, Action action) {
    ServerConfig.EngineRoom room = config.engine();
    if (devices != null) {
      checked(devices, action);
    }
    if (cores != null) {
      checkedCores(action);
    }
    try {
      if (devices != null) {
        room = room.withDevices(devices);
      }
      if (quantization != null) {
        room = room.withQuantization(quantization);
      }
      if (cores != null) {
        room = room.withCores(cores);
      }
      if (threads != null) {
        room = room.withThreads(checkedThreads(action));
      }
      return config.withEngine(room);
    } catch (IllegalArgumentException e) {
      throw action.usage(e.getMessage()); // flags do not go together, or not with the file
    }
  }

  private List<Integer> checkedCores(Action action) {
    List<Integer> list;
    try {
      list = CoreList.parse(cores);
    } catch (IllegalArgumentException e) {
      throw action.usage("--cores: " + e.getMessage());
    }
    if (threads != null && !list.isEmpty() && list.size() != threads) {
      throw action.usage(
          "--cores: expected " + threads + " as --threads says, found " + list.size());
    }
    return list;
  }

  private static ServerConfig.EngineRoom checked(List<String> names, Action action) {
    try {
      return ServerConfig.defaults().engine().withDevices(names);
    } catch (IllegalArgumentException e) {
      throw action.usage(e.getMessage().replace("engine.devices", "--device"));
    }
  }

  private int checkedThreads(Action action) {
    if (threads < 1 || threads > THREADS_MAX) {
      throw action.usage("--threads: expected 1 to " + THREADS_MAX + ", found " + threads);
    }
    return threads;
  }

  /** With a running server these flags are a mistake. */
  public void refuseWithTarget(Action action) {
    if (quantization != null || threads != null || devices != null || cores != null) {
      throw action.usage(
          "--device, --quantization, --threads and --cores go with --model; with --target the"
              + " server has decided");
    }
  }
}
