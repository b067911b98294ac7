"""A model and its tokenizer from a folder or a .gguf file, for training and for sampling."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal, cast

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel
from transformers.utils import logging

from axiom_cli import process_rank
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.settings.configs import TrainConfig

logging.disable_progress_bar()
Quantization = Literal["none", "8bit", "4bit"]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def device() -> torch.device:
    """This process's accelerator (the first, of one process alone), else the processor."""
    return torch.device("cuda", process_rank.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def load_for_sampling(path: Path, dtype: str = "auto") -> tuple[PreTrainedModel, Any]:
    """The model, in evaluation mode, and its tokenizer. InputError for files that transformers cannot read, and what
    `sampling_dtype` raises."""
    try:
        return load_model(path, dtype=sampling_dtype(path, dtype)), load_tokenizer(path)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise InputError(f"{path} could not be loaded: {line}", "is it a complete causal language model?") from error


def load_model(
    path: Path | str,
    quantize: Quantization = "none",
    dtype: torch.dtype = torch.float32,
    at: torch.device | None = None,
) -> PreTrainedModel:
    """A causal language model in evaluation mode, on the training device or on `at`; float32 unless quantised."""
    where, options = _location(path)
    if quantize != "none":
        options |= {"quantization_config": _quantization(quantize), "device_map": {"": device()}}
    elif "gguf_file" in options:
        from transformers import GgufConfig

        options["quantization_config"] = GgufConfig(dequantize=True)
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(where, dtype=dtype, **options)
    if quantize != "none":
        for layer in model.modules():
            # bitsandbytes would pack 4-bit weights, at the first pass without gradients, for a processor kernel that
            # has no backward pass: training continued after it, with wrong gradients.
            if hasattr(layer, "support_avx512bf16_for_cpu"):
                setattr(layer, "support_avx512bf16_for_cpu", False)  # noqa: B010 - a module's attributes are not typed
        return model.eval()
    if "gguf_file" in options:
        # The weights are plain now, and the folder that they are saved to must say so.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        vars(model).update(hf_quantizer=None, is_quantized=False)
    return model.to(at or device()).eval()  # type: ignore[arg-type]  # transformers' own wrapper hides torch's signature


def load_tokenizer(path: Path | str) -> Any:
    """The tokenizer of a model folder, a .gguf file or a hub id."""
    where, options = _location(path)
    return AutoTokenizer.from_pretrained(where, **options)


def load_generation_config(path: Path | str) -> GenerationConfig:
    """How a model ends what it writes, as the loaded model would say: its generation config, else its config."""
    where, options = _location(path)
    if not options and (Path(path) / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(where)
    return GenerationConfig.from_model_config(AutoConfig.from_pretrained(where, **options))


def stored_dtype(path: Path | str) -> torch.dtype:
    """The type that the model's own files hold; float32 for a .gguf, whose blocks have no torch type."""
    where, options = _location(path)
    if "gguf_file" in options:
        return torch.float32
    dtype = AutoConfig.from_pretrained(where).dtype
    return dtype if isinstance(dtype, torch.dtype) else torch.float32


def sampling_dtype(path: Path | str, name: str = "auto") -> torch.dtype:
    """The type called `name`; UsageError where there is none.

    `auto` is the type of the files on an accelerator, and on a processor that multiplies bfloat16 itself (AVX-512 BF16,
    AMX) where the files hold 16-bit numbers; else float32.
    """
    if name in DTYPES:
        return DTYPES[name]
    if name != "auto":
        raise UsageError(f"unknown type {name!r}", f"choose auto, {', '.join(DTYPES)}")
    stored = stored_dtype(path)
    if torch.cuda.is_available() or stored == torch.float32:
        return stored
    return torch.bfloat16 if multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16."""
    return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))


def training_precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """The type that products are computed in: float32 or bfloat16. Trained weights are float32 in any case."""
    if config.precision != "auto":
        return DTYPES[config.precision]
    native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float32


def frozen_dtype(path: Path | str, config: TrainConfig) -> torch.dtype:
    """The type that frozen weights are held in: bfloat16 where products are computed in it and the files hold no more
    than that, so that nothing is rounded."""
    half = config.method != "full" and training_precision(config, device()) is torch.bfloat16
    return torch.bfloat16 if half and stored_dtype(path) is torch.bfloat16 else torch.float32


def without_peft(model: torch.nn.Module) -> PreTrainedModel:
    """The model inside a peft wrapper, or the model itself."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if unwrap is not None else cast(PreTrainedModel, model)


def _location(path: Path | str) -> tuple[str, dict[str, Any]]:
    """What `from_pretrained` takes for `path`: (folder or id, options)."""
    if not str(path).endswith(".gguf"):
        return str(path), {}
    if importlib.util.find_spec("gguf") is None:
        raise MissingError(f"reading {Path(path).name} needs the package gguf", "pip install 'axiom-rl[gguf]'")
    return str(Path(path).parent), {"gguf_file": Path(path).name}


def _quantization(name: Quantization) -> Any:
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
