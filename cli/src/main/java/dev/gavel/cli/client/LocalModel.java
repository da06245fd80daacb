package dev.gavel.cli.client;

import dev.gavel.engine.EngineOptions;
import java.nio.file.Path;

/** A model directory and the room its engine gets. */
public record LocalModel(Path directory, EngineOptions options) {}
