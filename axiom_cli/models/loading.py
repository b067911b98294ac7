"""A model and its tokenizer from a folder or a .gguf file, for training, sampling, merging and export: the one way of
loading, which checks that every weight is the files' own."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.quantizers import AutoHfQuantizer
from transformers.utils import logging

from axiom_cli import installation, permitted, process_rank
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.models import Resolved, folder_checks, folders
from axiom_cli.models.adapters import compose
from axiom_cli.models.load_errors import explained, first_refused
from axiom_cli.models.shards import Shards

logging.disable_progress_bar()
Quantization = Literal["none", "8bit", "4bit"]
NO_ADAPTER = "no adapter is looked for here"
"""A folder that does not exist, for transformers to look for an adapter that it would add unasked."""
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
CAUSAL_CLASS = "AutoModelForCausalLM"
"""The entry of an `auto_map` that makes a model of its own code one that writes text."""
ORDINARY = "Answer: 42"
"""A text that every tokenizer has tokens for."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def device() -> torch.device:
    """This process's accelerator (the first, of one process alone), else the processor."""
    return torch.device("cuda", process_rank.local_rank()) if torch.cuda.is_available() else torch.device("cpu")


def load_for_sampling(model: Resolved | Path, dtype: str = "auto") -> tuple[PreTrainedModel, Any]:
    """The model, its adapters added, in evaluation mode, and its tokenizer. Raises what `load_model` and
    `sampling_dtype` raise."""
    path = _path(model)
    return load_model(model, dtype=sampling_dtype(path, dtype)), load_tokenizer(path)


def load_model(
    model: Resolved | Path | str,
    quantize: Quantization = "none",
    dtype: torch.dtype = torch.float32,
    at: torch.device | None = None,
) -> PreTrainedModel:
    """A causal language model in evaluation mode, on the training device or on `at`; float32 unless quantised. The
    adapters of a `Resolved` are added to its weights.

    Every weight is the files' own: InputError where one is missing, left over, of another shape, or not a number.
    MissingError where a package is missing.
    """
    path = _path(model)
    where, options = _location(path)
    config = load_config(path)
    if quantize != "none":
        options |= {"quantization_config": _quantization(quantize), "device_map": {"": device()}}
    elif "gguf_file" in options:
        from transformers import GgufConfig, modeling_gguf_pytorch_utils

        # Its bar is tqdm's own, which disable_progress_bar does not reach.
        setattr(modeling_gguf_pytorch_utils, "tqdm", logging.tqdm)  # noqa: B010 - not in the module's types
        options["quantization_config"] = GgufConfig(dequantize=True)
    if "gguf_file" not in options:
        options |= {"config": config, "use_safetensors": not _is_pickled(Path(path))}
    with explained(path, _refused_by_the_model):
        # transformers' types do not know that two things come back
        loaded_with_info: tuple[PreTrainedModel, Mapping[str, Any]] = cast(Any, AutoModelForCausalLM).from_pretrained(
            where,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # _check_tensors reports them
            adapter_kwargs={"subfolder": NO_ADAPTER},
            trust_remote_code=permitted.remote_code(),
            **options,
        )
    loaded, info = loaded_with_info
    _check_tensors(path, loaded, info)
    if quantize != "none":
        for layer in loaded.modules():
            # bitsandbytes would pack 4-bit weights, at the first pass without gradients, for a processor kernel that
            # has no backward pass: training continued after it, with wrong gradients.
            if hasattr(layer, "support_avx512bf16_for_cpu"):
                setattr(layer, "support_avx512bf16_for_cpu", False)  # noqa: B010 - a module's attributes are not typed
        return _adapted(loaded.eval(), model)
    if "gguf_file" in options:
        # The weights are plain now, and the folder that they are saved to must say so.
        if hasattr(loaded.config, "quantization_config"):
            del loaded.config.quantization_config
        vars(loaded).update(hf_quantizer=None, is_quantized=False)
    return _adapted(loaded.to(at or device()).eval(), model)  # type: ignore[arg-type]  # transformers' own wrapper


def _adapted(loaded: PreTrainedModel, model: Resolved | Path | str) -> PreTrainedModel:
    adapters = model.adapters if isinstance(model, Resolved) else ()
    if adapters and getattr(loaded, "is_quantized", False):
        raise UsageError("an adapter cannot be added to a quantised base", "use --quantize none, or merge it first")
    if adapters:
        compose(loaded, adapters)
    return loaded


def load_config(path: Path | str) -> Any:
    """The config of a model, as transformers understands it. InputError for what is not a causal language model, or
    not known to the installed transformers."""
    where, options = _location(path)
    with explained(path, lambda _folder: folders.CONFIG):
        config = AutoConfig.from_pretrained(where, trust_remote_code=permitted.remote_code(), **options)
        quantised: Any = getattr(config, "quantization_config", None)
        known = not isinstance(quantised, dict) or AutoHfQuantizer.supports_quant_method(quantised)
    folder_checks.check_decoder(path, config)
    own_class = CAUSAL_CLASS in (getattr(config, "auto_map", None) or {})
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING and not own_class:
        what = f"transformers has no class for {config.model_type} that writes text alone"
        raise InputError(f"{path} is not a causal language model: {what}", folder_checks.CAUSAL)
    if not known:
        method = quantised.get("quant_method")
        raise InputError(
            f"{path} says in {folders.CONFIG} that its weights are quantised by {method}, which transformers does not "
            "read",
            "take the 16- or 32-bit weights that they were made from",
        )
    return config


LOADED_HOW = ("is_local", "local_files_only")
"""What the library would write into a tokenizer's files: where it came from, and whether that was offline."""


def load_tokenizer(path: Path | str) -> Any:
    """The tokenizer of a model folder, a .gguf file or a hub id. InputError where it is damaged."""
    where, options = _location(path)
    with explained(path, _refused_by_the_tokenizer):
        tokenizer = AutoTokenizer.from_pretrained(where, trust_remote_code=permitted.remote_code(), **options)
        ids = tokenizer.encode(ORDINARY, add_special_tokens=False) if len(tokenizer) else []
    if not len(tokenizer):
        raise InputError(f"{path} has no tokenizer: its vocabulary is empty", folders.AGAIN)
    if not ids:
        raise InputError(f"the tokenizer in {path} has no tokens for ordinary text", folders.AGAIN)
    for how in LOADED_HOW:
        tokenizer.init_kwargs.pop(how, None)
    # Rows that are too long are counted or refused in our own words, so the library warns of none.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    return tokenizer


def load_generation_config(path: Path | str) -> GenerationConfig:
    """How a model ends what it writes, as the loaded model would say: its generation config, else its config."""
    where, options = _location(path)
    if not options and (Path(path) / folders.GENERATION_CONFIG).is_file():
        with explained(path, lambda _folder: folders.GENERATION_CONFIG):
            return GenerationConfig.from_pretrained(where)
    return GenerationConfig.from_model_config(load_config(path))


def context_length(config: PreTrainedConfig) -> int | None:
    """Positions that the model has, as its config says; None where their number has no limit."""
    return getattr(config.get_text_config(), "max_position_embeddings", None)


def stored_dtype(path: Path | str) -> torch.dtype:
    """The type that the model's own files hold; float32 for a .gguf, whose blocks have no torch type."""
    if str(path).endswith(".gguf"):
        return torch.float32
    dtype = load_config(path).dtype
    return dtype if isinstance(dtype, torch.dtype) and dtype.is_floating_point else torch.float32


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


def without_peft(model: torch.nn.Module) -> PreTrainedModel:
    """The model inside a peft wrapper, or the model itself."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if unwrap is not None else cast(PreTrainedModel, model)


def _refused_by_the_model(folder: Path) -> str:
    """Which file stands in the way of loading the model."""
    weights = [name for name in folders.weight_files(folder) if name.endswith(".safetensors")]
    tried: dict[str, Callable[[], object]] = {
        name: partial(safe_open, folder / name, framework="pt") for name in weights
    }
    tried[folders.GENERATION_CONFIG] = partial(GenerationConfig.from_pretrained, str(folder))
    tried[folders.CONFIG] = partial(_empty, folder)
    return first_refused(folder, tried)


def _refused_by_the_tokenizer(folder: Path) -> str:
    """Which file stands in the way of loading the tokenizer."""
    refused = first_refused(folder, {TOKENIZER: lambda: Tokenizer.from_file(str(folder / TOKENIZER)).encode(ORDINARY)})
    return refused or (TOKENIZER_CONFIG if (folder / TOKENIZER_CONFIG).is_file() else "")


def _empty(folder: Path) -> PreTrainedModel:
    """The model of a config, without numbers."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(load_config(folder), trust_remote_code=permitted.remote_code())


def _check_tensors(path: Path | str, model: PreTrainedModel, info: Mapping[str, Any]) -> None:
    """InputError where a weight is not what the files say, and nothing else."""
    if missing := sorted(info["missing_keys"]):
        raise InputError(
            f"{path} does not hold all weights: {_some(missing)} missing",
            "they would be drawn at random; " + folders.AGAIN,
        )
    if odd := sorted(info["mismatched_keys"]):
        name, file_shape, wanted = odd[0]
        raise InputError(
            f"{path}: {name} has the shape {list(file_shape)}, and {folders.CONFIG} makes it {list(wanted)}",
            "config.json and weights are of different models",
        )
    if extra := sorted(name for name in info["unexpected_keys"] if not _is_mask(Path(path), name)):
        raise InputError(
            f"{path} holds weights that its architecture does not have: {_some(extra)} left over",
            "config.json and weights are of different models, or an adapter's or another library's",
        )
    if errors := info.get("error_msgs"):
        raise InputError(f"{path} cannot be loaded: {errors[0]}", folders.AGAIN)
    stored = model.state_dict(keep_vars=True)
    held = dict(model.named_parameters()) | {name: data for name, data in model.named_buffers() if name in stored}
    floats = {name: weight.detach() for name, weight in held.items() if weight.is_floating_point()}
    # A norm that is a number proves that all of them are; where it is not, each is looked at.
    if not torch.nn.utils.get_total_norm(floats.values()).isfinite():
        broken = [name for name, weight in floats.items() if not weight.isfinite().all()]
        if broken:
            raise InputError(f"{path} holds weights that are not numbers: {_some(broken)}", folders.AGAIN)


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def _is_mask(path: Path, name: str) -> bool:
    """Whether a tensor is the constant mask that older libraries stored with each layer (GPT-2's `attn.bias`)."""
    if not name.endswith((".attn.bias", ".attention.bias", ".masked_bias")) or not path.is_dir() or _is_pickled(path):
        return False
    places = Shards(path).places
    return name in places and len(places[name].shape) in (0, 4)


def _is_pickled(folder: Path) -> bool:
    return folder.is_dir() and not any((folder / name).is_file() for name in (folders.SINGLE, folders.INDEX))


def _path(model: Resolved | Path | str) -> Path | str:
    return model.path if isinstance(model, Resolved) else model


def _location(path: Path | str) -> tuple[str, dict[str, Any]]:
    """What `from_pretrained` takes for `path`: (folder or id, options)."""
    if not str(path).endswith(".gguf"):
        return str(path), {}
    if importlib.util.find_spec("gguf") is None:
        raise MissingError(f"reading {Path(path).name} needs the package gguf", installation.extra("gguf"))
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
