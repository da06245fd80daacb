package dev.gavel.cli;

import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.client.Target;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel health}: the standard gRPC health check, for containers. */
@Command(name = "health", description = "Ask a running server whether it serves.")
public final class HealthCommand extends Action {
  @Option(
      names = "--target",
      required = true,
      paramLabel = "TARGET",
      converter = TargetConverter.class,
      description = "HOST:PORT or unix:/PATH.")
  private Target target;

  @Option(
      names = "--service",
      paramLabel = "NAME",
      defaultValue = "",
      description = "A service such as gavel.v1.Relevance; default: the whole server.")
  private String service;

  @Override
  public Integer call() {
    try (Sidecar sidecar = Sidecar.connect(target, Duration.ofSeconds(3))) {
      ServingStatus status = sidecar.health(service);
      terminal().out().println(status);
      return status == ServingStatus.SERVING ? ExitCode.OK : ExitCode.UNAVAILABLE;
    }
  }
}
