"""The model that training starts from: loaded in float32 (or quantised), or made anew from its config."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from axiom_cli import process_rank
from axiom_cli.errors import MissingError
from axiom_cli.settings.configs import TrainConfig

logging.disable_progress_bar()


def device() -> torch.device:
    """Where training happens: this process's accelerator (the first, of one process alone), else the processor."""
    return torch.device("cuda", process_rank.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """The type that products are computed in: float32 or bfloat16. Weights that are learnt are float32 in any case."""
    if config.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported(False) else torch.float32
    return getattr(torch, config.precision)


def frozen_dtype(path: Path | str, config: TrainConfig) -> torch.dtype:
    """The type that frozen weights are held in: bfloat16 where products are computed in it and the files hold no more
    than that, so that nothing is rounded."""
    half = config.method != "full" and precision(config, device()) is torch.bfloat16
    return torch.bfloat16 if half and stored_dtype(path) is torch.bfloat16 else torch.float32


def load_tokenizer(path: Path | str) -> Any:
    """The tokenizer of a model folder, a .gguf file or a hub id."""
    where, options = _where(path)
    return AutoTokenizer.from_pretrained(where, **options)


def load_generation(path: Path | str) -> GenerationConfig:
    """How a model ends what it writes, as the loaded model would say: its generation config, else its config."""
    where, options = _where(path)
    if not options and Path(path).is_dir() and (Path(path) / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(where)
    return GenerationConfig.from_model_config(AutoConfig.from_pretrained(where, **options))


def load_model(
    path: Path | str, quantize: str = "none", dtype: torch.dtype = torch.float32, at: torch.device | None = None
) -> torch.nn.Module:
    """A causal language model in evaluation mode, on the training device or `at` another; float32 unless quantised."""
    where, options = _where(path)
    if quantize != "none":
        options |= {"quantization_config": _quantization(quantize), "device_map": {"": device()}}
    elif "gguf_file" in options:
        from transformers import GgufConfig

        options["quantization_config"] = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **options)
    if quantize != "none":
        return _trainable(model).eval()
    if "gguf_file" in options:
        forget_quantization(model)
    return model.to(at or device()).eval()


def _trainable(model: torch.nn.Module) -> torch.nn.Module:
    """Keeps bitsandbytes from packing 4-bit weights, at the first pass without gradients, for a processor kernel that
    has no backward pass: training went on after it, with wrong gradients."""
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
    return model


def new_model(path: Path | str, seed: int) -> torch.nn.Module:
    """A model with random weights, from the config in `path` alone: the start of a cold start from scratch."""
    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(path)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).to(device()).eval()


def stored_dtype(path: Path | str) -> torch.dtype:
    """The type that the model's own files hold; float32 for a .gguf, whose blocks are no torch type."""
    where, options = _where(path)
    if "gguf_file" in options:
        return torch.float32
    dtype = AutoConfig.from_pretrained(where).dtype
    return dtype if isinstance(dtype, torch.dtype) else torch.float32


def forget_quantization(model: torch.nn.Module) -> None:
    """After de-quantising a .gguf: the weights are plain, and the folder that they are saved to must say so."""
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False


def _where(path: Path | str) -> tuple[str, dict[str, Any]]:
    if str(path).endswith(".gguf"):
        if importlib.util.find_spec("gguf") is None:
            raise MissingError(f"reading {Path(path).name} needs the package gguf", "pip install 'axiom-rl[gguf]'")
        file = Path(path)
        return str(file.parent), {"gguf_file": file.name}
    return str(path), {}


def _quantization(name: str) -> Any:
    """QLoRA (2305.14314): 4-bit NormalFloat with double quantisation, or LLM.int8()."""
    from transformers import BitsAndBytesConfig

    if name == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
