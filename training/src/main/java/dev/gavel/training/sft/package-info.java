/**
 * Supervised fine-tuning (TaoSR1, stage 1): the label alone, the label and then the reasoning, or
 * the reasoning and then the label.
 *
 * <p>Type flow: {@link dev.gavel.training.data.Judgment} → {@link
 * dev.gavel.training.sft.ResponseEncoder} → {@link dev.gavel.training.model.PackedBatch.Sequence} →
 * {@link dev.gavel.training.sft.SftTrainer}.
 */
package dev.gavel.training.sft;
