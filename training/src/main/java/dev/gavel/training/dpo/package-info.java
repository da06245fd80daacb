/**
 * Direct preference optimization on the model's own samples (TaoSR1, stage 2).
 *
 * <p>Type flow: judged pairs and {@link dev.gavel.training.rollout.Sample}s → {@link
 * dev.gavel.training.dpo.PreferenceBuilder} → {@link dev.gavel.training.dpo.Preference}s → {@link
 * dev.gavel.training.dpo.DpoTrainer}.
 */
package dev.gavel.training.dpo;
