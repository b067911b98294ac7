"""An extension of vLLM's worker, which runs in a process of its own."""

from __future__ import annotations

from typing import Any


class Reload:
    """vLLM mixes this into its worker class by name: see `worker_extension_cls`."""

    reload_weights: Any
    model_runner: Any

    def reload_whole(self, path: str) -> None:
        """Replaces the weights by those in the folder `path`.

        On the processor vLLM (0.32) multiplies by packed copies of the weights, and does not pack an output matrix that
        is tied to the embedding again: it would keep using the old one.
        """
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
        from vllm.platforms import current_platform

        self.reload_weights(weights_path=path)
        if not current_platform.is_cpu():
            return
        for layer in self.model_runner.get_model().modules():
            if isinstance(layer, ParallelLMHead):
                layer.quant_method.process_weights_after_loading(layer)
