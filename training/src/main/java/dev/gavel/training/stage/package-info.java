/**
 * The stages of training, one a command: a config record, a class with {@code Report run(Path out,
 * Progress progress)}, a report.
 *
 * <p>Type flow: a YAML file → {@link dev.gavel.training.stage.StageConfig} → a record → a stage,
 * which works in a {@link dev.gavel.training.run.RunDirectory} → {@link
 * dev.gavel.training.stage.Report}. A stage that is started again with the same configuration goes
 * on where it stopped. Threads: the caller's, besides LibTorch's own.
 */
package dev.gavel.training.stage;
