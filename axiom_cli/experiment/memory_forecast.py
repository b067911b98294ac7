"""How much memory a run needs, from its config and the shape of its model, before anything is loaded.

Weights, gradients, optimiser states and keys and values are counted exactly for a plain decoder. Activations follow a
formula that was fitted to what passes of such models keep (tests/test_memory_forecast.py compares them). What it does
not know of, such as the layers of a mixture of experts, makes a forecast too low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axiom_cli.errors import InputError, MissingError
from axiom_cli.models import NVIDIA, Resolved, expand_user, folders, hub
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.vllm_start import SHARE
from axiom_cli.settings.configs import LoopConfig, SolveConfig, TrainConfig
from axiom_cli.settings.model_kinds import NANO

GIB = 2**30
PROCESS = GIB // 2
"""What Python, PyTorch and an accelerator's context take themselves."""
PROMPT = 256
"""Tokens of a prompt, where a row is not known yet."""
ROWS = 8
"""Rows that an engine samples side by side at least."""
VLLM_PASS = GIB
"""What vLLM sets aside for a pass."""
BACKWARD = 1.5
"""A pass and its way back take so much more than what the pass keeps: measured on a processor, with 135 million
parameters."""
QUANTISED = {"8bit": 1.0, "4bit": 0.516}
"""Bytes of a quantised parameter: of 4 bits, with the scales of double quantisation."""
GPU_PRESETS = {"gpu-80gb": 70, "gpu-24gb": 21.5, "gpu-12gb": 10.5}
PROCESSOR_PRESETS = {"smollm": 4}
"""The GiB that a preset needs free."""
STATES = {"adamw": 8, "adamw8bit": 2, "muon": 4}
"""Bytes of an optimiser's states for a trained parameter."""


@dataclass(frozen=True)
class Shape:
    """The size of a decoder, in elements; `stored` is the bytes of one of its parameters in its files."""

    layers: int
    hidden: int
    intermediate: int
    attention: int
    keys: int
    vocabulary: int
    tied: bool
    stored: int
    parameters: int
    context: int

    @classmethod
    def of(cls, config: Mapping[str, Any], weights: int = 0) -> Shape | None:
        """The shape in a config.json, whose files take `weights` bytes (0: not known). None for a config that names
        things in another way."""
        config = {**config, **config.get("text_config", {})}
        try:
            layers, hidden, heads = (
                _first(config, *names)
                for names in (
                    ("num_hidden_layers", "n_layer"),
                    ("hidden_size", "n_embd"),
                    ("num_attention_heads", "n_head"),
                )
            )
            vocabulary = _first(config, "vocab_size")
        except KeyError:
            return None
        head = config.get("head_dim") or hidden // heads
        intermediate = config.get("intermediate_size") or config.get("n_inner") or 4 * hidden
        keys, attention = head * (config.get("num_key_value_heads") or heads), head * heads
        tied = bool(config.get("tie_word_embeddings", True))
        stored = 4 if "32" in str(config.get("dtype") or config.get("torch_dtype") or "float32") else 2
        layer = 2 * hidden * attention + 2 * hidden * keys + 3 * hidden * intermediate + 2 * hidden
        parameters = weights // stored or layers * layer + vocabulary * hidden * (1 if tied else 2)
        context = config.get("max_position_embeddings") or 1 << 30
        return cls(layers, hidden, intermediate, attention, keys, vocabulary, tied, stored, parameters, context)

    def tokens(self, config: LoopConfig) -> int:
        """The longest row of a loop: a prompt and a completion."""
        return min(PROMPT + config.solve.max_tokens, self.context)

    @property
    def embedding(self) -> int:
        """Parameters of the embedding and of the head, which are not quantised."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def widths(self) -> list[tuple[int, int]]:
        """In and out of each linear layer of a layer: attention's, then the feed-forward block's."""
        h, a, k, f = self.hidden, self.attention, self.keys, self.intermediate
        return [(h, a), (h, k), (h, k), (a, h), (h, f), (h, f), (f, h)]


@dataclass(frozen=True)
class Machine:
    """What a run has: bytes that are `free` where it computes, and whether that is an `accelerator`. `half`: it
    computes in bfloat16."""

    free: int
    accelerator: bool = False
    half: bool = False


@dataclass(frozen=True)
class MemoryForecast:
    """The least that a run needs, in bytes: what is there at the same time while it samples, and while it trains."""

    sampling: Mapping[str, int]
    training: Mapping[str, int]

    @property
    def needed(self) -> int:
        """The least that has to be free."""
        return max(sum(self.sampling.values()), sum(self.training.values()))

    def __str__(self) -> str:
        """`training takes 3.1 GiB: weights 2.5, activations 0.6`, of what takes more."""
        samples = sum(self.sampling.values()) > sum(self.training.values())
        parts = self.sampling if samples else self.training
        listed = ", ".join(f"{part} {size / GIB:.1f}" for part, size in parts.items() if size >= GIB / 20)
        return f"{'sampling' if samples else 'training'} takes {self.needed / GIB:.1f} GiB ({listed})"


def memory_needed(config: LoopConfig, shape: Shape, machine: Machine, engine: str) -> MemoryForecast:
    """What a loop with `config` needs at least on `machine`, of a model of this shape, sampled by this engine.

    The weights that are trained stay where they are while the engine samples. The engine's stay while the model trains,
    unless it is vLLM on an accelerator, which gives its memory back: a share of what was free at the start.
    """
    tokens = shape.tokens(config)
    training = training_bytes(config.train, shape, machine, min(config.train.max_length, tokens))
    base = {"the weights to train": training["weights"], "the process": PROCESS}
    if engine not in ("transformers", "vllm"):
        return MemoryForecast(base, training)
    size = _sampling_bytes(config.solve, shape, machine)
    weights, rows = shape.parameters * size, ROWS * tokens * cache_bytes(shape, size)
    if engine == "vllm" and machine.accelerator:
        share = max((weights + rows + VLLM_PASS) / SHARE, training["weights"] / (1 - SHARE)) * SHARE
        return MemoryForecast(
            {"weights": weights, "the rest of vLLM's share": round(share) - weights, **base}, training
        )
    sampling = {"weights": weights, "keys and values": rows, **base}
    return MemoryForecast(sampling, {"the engine's weights": weights, **training})


def training_bytes(train: TrainConfig, shape: Shape, machine: Machine, tokens: int) -> dict[str, int]:
    """The least memory for training on rows of this many tokens, one row at a time."""
    half = machine.half if train.precision == "auto" else train.precision == "bfloat16"
    full = train.method == "full"
    plain = 2 if half and shape.stored == 2 and not full else 4
    weights = shape.parameters * plain
    if train.quantize != "none":
        inner = shape.parameters - shape.embedding
        weights = round(inner * QUANTISED[train.quantize]) + shape.embedding * plain
    trained = shape.parameters if full else adapter_parameters(train, shape)
    states = trained * (4 + STATES[train.optimizer])
    kept = token_bytes(train, shape, half)
    if train.gradient_checkpointing:
        kept = kept // shape.layers + 4 * shape.layers * shape.hidden
    logits = 8 * shape.vocabulary  # in float32, and their softmax
    return {
        "weights": weights,
        "adapter": 0 if full else 4 * trained,
        "gradients and optimiser": states,
        "activations": round(BACKWARD * tokens * (kept + logits)),
        "the process": PROCESS,
    }


def adapter_parameters(train: TrainConfig, shape: Shape) -> int:
    """The parameters of an adapter on every linear layer but the head."""
    matrices = sum(train.lora_r * (before + after) for before, after in shape.widths)
    return shape.layers * (matrices + (sum(after for _, after in shape.widths) if train.method == "dora" else 0))


def token_bytes(train: TrainConfig, shape: Shape, half: bool) -> int:  # noqa: FBT001 - an adjective
    """What a training pass keeps of each token in all layers, logits left out."""
    size, full = (2 if half else 4), train.method == "full"
    wide = max(shape.hidden, shape.attention)
    inner = size * (2 * shape.keys + 4 * shape.intermediate) + (32 if full else 24) * wide
    ranks = 0 if full else size * len(shape.widths) * train.lora_r
    magnitudes = 2 * size * sum(after for _, after in shape.widths) if train.method == "dora" else 0
    return shape.layers * (inner + ranks + magnitudes)


def cache_bytes(shape: Shape, size: int) -> int:
    """What the keys and values of a token take."""
    return 2 * shape.layers * shape.keys * size


def check_accelerator(config: LoopConfig) -> None:
    """MissingError for a preset that is for a GPU, where there is none; nothing is downloaded before."""
    if config.preset.startswith("gpu-") and not this_machine().accelerator:
        build = "; is PyTorch a build for CUDA?" if NVIDIA.exists() else ""
        fault = f"--preset {config.preset} is for a GPU, and PyTorch finds none here{build}"
        raise MissingError(fault, f"axiom loop --preset {recommended(this_machine())} suits this machine")


def recommended(machine: Machine) -> str:
    """The largest preset that fits a machine, by its free memory alone."""
    sizes = GPU_PRESETS if machine.accelerator else PROCESSOR_PRESETS
    return next((name for name, least in sizes.items() if machine.free >= least * GIB), NANO)


def suggestion(config: LoopConfig) -> str:
    """What to type where a GPU would lie idle; empty where there is none, or a model or a preset was chosen."""
    if config.model.model or config.preset != NANO or not (machine := this_machine()).accelerator:
        return ""
    return f"nano needs no GPU; this one can train more: axiom loop --preset {recommended(machine)}"


def check_memory(config: LoopConfig, base: Resolved, engine: str) -> MemoryForecast | None:
    """The forecast for this machine; None for a model whose shape is not known. MissingError, with what takes so much,
    where less memory is free than is needed."""
    shape = shape_of(base)
    return _checked(config, base.name, shape, engine) if shape else None


def check_published(config: LoopConfig, model: str) -> None:
    """The same for a model of the hub that is not here yet, before its weights are downloaded."""
    if expand_user(model).exists() or not hub.is_hub_id(model):
        return
    shape = Shape.of(hub.published_config(model) or {})
    if shape:
        _checked(config, model, shape, engines.choose(model, config.solve))


def _checked(config: LoopConfig, name: str, shape: Shape, engine: str) -> MemoryForecast:
    machine = this_machine()
    forecast = memory_needed(config, shape, machine, engine)
    if forecast.needed > machine.free:
        where = "on the accelerator" if machine.accelerator else "on this machine"
        fault = f"{name} does not fit: {forecast}, and {machine.free / GIB:.1f} GiB are free {where}"
        raise MissingError(fault, _smaller(config, machine))
    return forecast


def _smaller(config: LoopConfig, machine: Machine) -> str:
    """What to try where a run does not fit."""
    ways = []
    if machine.accelerator and config.train.quantize == "none" and config.train.method != "full":
        ways.append("--quantize 4bit")
    if not config.train.gradient_checkpointing:
        ways.append("--gradient-checkpointing")
    ways += ["a smaller --max-tokens", "a smaller model: axiom doctor names a preset"]
    return f"try {' or '.join([', '.join(ways[:-1]), ways[-1]])}"


def shape_of(model: Resolved) -> Shape | None:
    """The shape of a model on this disk, from its config.json and the size of its files."""
    if not model.path.is_dir():
        return None
    try:
        weights = sum((model.path / name).stat().st_size for name in folders.weight_files(model.path))
        return Shape.of(folders.read_json(model.path / folders.CONFIG), weights)
    except (InputError, OSError):
        return None


def this_machine() -> Machine:
    """What the process has now."""
    from axiom_cli.learning.training.precision import training_precision
    from axiom_cli.models.loading import device
    from axiom_cli.models.memory import free_memory

    place = device()
    half = "float32" not in str(training_precision(TrainConfig(), place))
    return Machine(free_memory(place), place.type != "cpu", half)


def _sampling_bytes(solve: SolveConfig, shape: Shape, machine: Machine) -> int:
    if solve.dtype != "auto":
        return 4 if solve.dtype == "float32" else 2
    if machine.accelerator or shape.stored == 4:
        return shape.stored
    from axiom_cli.models.loading import multiplies_bfloat16

    return 2 if multiplies_bfloat16() else 4


def _first(config: Mapping[str, Any], *names: str) -> int:
    for name in names:
        if isinstance(config.get(name), int):
            return config[name]
    raise KeyError(names[0])
