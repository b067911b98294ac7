"""What is added to vLLM's worker, which runs in a process of its own."""

from __future__ import annotations


class Reload:
    """Mixed into the worker's class by its name: see `worker_extension_cls` in vLLM."""

    def reload_whole(self, path: str) -> None:
        """Reads the weights in the folder `path` in place of the present ones.

        On the processor vLLM (0.32) multiplies by copies of the weights that it has packed, and makes no new one of an
        output matrix that is the embedding's: it would go on with the old one.
        """
        from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead
        from vllm.platforms import current_platform

        self.reload_weights(weights_path=path)
        if not current_platform.is_cpu():
            return
        for layer in self.model_runner.get_model().modules():
            if isinstance(layer, ParallelLMHead):
                layer.quant_method.process_weights_after_loading(layer)
