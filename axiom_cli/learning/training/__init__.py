"""Everything that needs torch to learn: rows, batches, objectives, LoRA, fit, merge, certificate."""
