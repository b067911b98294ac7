"""One frozen dataclass a stage: the only place where a default and its help are written.

A field's metadata holds its `help`, its `bounds` and, where the flag has another name than the field, its `flag`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

INFINITY = float("inf")
BEYOND = 2**63
DAY = 86_400
MILLION = 1_000_000


@dataclass(frozen=True)
class Bounds:
    """The numbers that a field takes. Whatever is said, they are finite and their absolute value is below 2**63."""

    least: float = -INFINITY
    most: float = INFINITY
    above: float = -INFINITY

    def hold(self, number: float) -> bool:
        """Whether `number`, which may be NaN, is one of them."""
        return abs(number) < BEYOND and self.least <= number <= self.most and number > self.above

    def __str__(self) -> str:
        if INFINITY not in (-self.least, self.most):
            return f"{self.least:,} to {self.most:,}"
        parts = (("at least", self.least), ("above", self.above), ("at most", self.most))
        return " and ".join(f"{word} {number:,}" for word, number in parts if abs(number) != INFINITY)

    def whole(self) -> str:
        """All that is asked of a number, for one that does not hold."""
        return str(self) if self.most != INFINITY else f"{self} and below 2**63"


def option(
    default: Any, help: str, flag: str = "", least: float = -INFINITY, most: float = INFINITY, above: float = -INFINITY
) -> Any:
    """A field with a default, the line that `--help` prints, the flag if it is not the field's name, and the bounds of
    a number."""
    return field(default=default, metadata={"help": help, "flag": flag, "bounds": Bounds(least, most, above)})


@dataclass(frozen=True)
class GenConfig:
    """`axiom problems gen`."""

    count: int = option(100, "How many problems.", least=0)
    difficulty: str = option("3-7", "Levels, LO-HI or one number, from 1 to 10.")
    seed: int = option(0, "Seed of the stream of problems.", least=0)
    split: str = option("train", "train, val or test; splits never share a problem.")
    form: str = option("answer", "answer (exact match) or program (write the function).")


@dataclass(frozen=True)
class AuditConfig:
    """`axiom problems audit`."""

    draws: int = option(10_000, "Draws of each family; a hundredth of them in the program form.", least=1)
    count: int = option(1000, "Problems of one level that you want of a split: are there so many?", least=1)
    split: str = option("", "The split that you want them of: train, val or test [each].")
    jobs: int = option(0, "Families audited side by side; 0 is one a core.", least=0, most=1024)


@dataclass(frozen=True)
class ImportConfig:
    """`axiom problems import`."""

    column: str = option("", "FIELD=COLUMN, such as answer=meta.answer: where a field stands; nothing leaves it out.")
    answer_after: str = option("", "The answer is what follows the last of these in its column: '####', '\\boxed{'.")
    split: str = option("", "Split of the data set [its only one]; the problems get it, where their rows name none.")
    subset: str = option("", "Subset of the data set [its only one, or default].")


@dataclass(frozen=True)
class ColdstartConfig:
    """`axiom coldstart`."""

    teacher: str = option(
        "solver", "solver (embedded, offline), gemini, or the address of an OpenAI-compatible server."
    )
    teacher_model: str = option("", "The remote teacher's model [gemini-2.5-flash for gemini].")
    traces: int = option(4, "Traces asked for each problem from a remote teacher; the solver has one.", least=1)
    delay: float = option(0.0, "Seconds between two requests to a remote teacher.", least=0, most=DAY)
    include_failed: bool = option(False, "Emit the verdicts of traces that failed, too.")
    train: bool = option(False, "Also fit a model on the accepted traces, and merge it.")


@dataclass(frozen=True)
class SolveConfig:
    """`axiom solve`."""

    samples: int = option(8, "Samples of each problem.", least=1, most=MILLION)
    temperature: float = option(0.7, "Sampling temperature; 0 is greedy.", least=0, most=100)
    top_p: float = option(1.0, "Nucleus sampling: the smallest set of tokens with this probability.", above=0, most=1)
    max_tokens: int = option(512, "Longest completion, in tokens.", least=1, most=MILLION)
    seed: int = option(0, "Seed of the sampling.", least=0)
    engine: str = option("auto", "auto, transformers, vllm, remote or scripted.")
    dtype: str = option("auto", "Type of the weights in the transformers engine: auto, float32, bfloat16 or float16.")
    think_tokens: int = option(
        0, "Tokens of thinking after which the thought is closed for the model; 0 is no such limit.", least=0
    )
    batch_tokens: int = option(
        0, "How many tokens' keys and values the engine holds at once; 0 is what free memory allows.", least=0
    )
    strategy: str = option("best-of-n", "best-of-n, retry, vote, value or adaptive.")
    value: str = option(
        "", "Value function that says of each sample how likely it is right: a name in the workspace, or a folder."
    )
    max_attempts: int = option(
        3, "Attempts at a problem with --strategy retry, each told why the last one failed.", least=1
    )
    until_solved: bool = option(False, "Stop at a problem once it is solved; --samples is then the most.")
    enough: int = option(
        1, "Passing samples that settle a problem, for --until-solved, retry and adaptive.", least=1, most=MILLION
    )
    settle: str = option("verifier", "What settles a problem for --strategy adaptive: verifier, or agreement.")
    concurrency: int = option(8, "Requests to a server at a time.", least=1, most=1024)
    requests_per_minute: int = option(
        0, "Requests to a server a minute, evenly spaced; 0 is no such limit.", least=0, most=MILLION
    )
    request_timeout: float = option(
        600.0, "Seconds for one request to a server, from the first byte sent to the last one read.", above=0, most=DAY
    )


@dataclass(frozen=True)
class VerifyConfig:
    """`axiom verify`."""

    timeout: float = option(5.0, "Seconds of processor time for one program.", least=0.001, most=DAY)
    test_timeout: float = option(
        0.0, "Seconds of processor time for one of its tests; 0 is no limit of its own.", least=0, most=DAY
    )
    memory: int = option(256, "Mebibytes that a program may take.", least=1, most=2**20)
    jobs: int = option(0, "Programs run side by side; 0 is one a core.", least=0, most=1024)
    isolation: str = option("auto", "auto, or the weakest level accepted: strong, good, basic, limited, none.")
    unsafe_no_sandbox: bool = option(False, "With --isolation none: run programs that nothing holds.")
    allow: str = option("", "Packages that programs may import, comma-separated: numpy.")


@dataclass(frozen=True)
class DistributeConfig:
    """`axiom solve` and `axiom verify` on several machines."""

    distribute: str = option("", "ray: have the work done by the workers of a Ray cluster; needs axiom-rl[ray].")
    address: str = option("", "That cluster: HOST:PORT, auto, or local for one of this run [RAY_ADDRESS, else auto].")
    workers: int = option(0, "Its workers that take part; 0 is one an accelerator, or else one a core.", least=0)


USES: Mapping[str, set[str]] = {"dpo": {"beta"}, "kto": {"beta"}, "grpo": {"clip"}}
"""Options of TrainConfig that one objective uses and others do not."""


@dataclass(frozen=True)
class TrainConfig:
    """`axiom train`."""

    lora_r: int = option(16, "Rank of the LoRA matrices.", least=1, most=4096)
    lora_alpha: int = option(32, "LoRA's scale is alpha / r.", least=1)
    lora_dropout: float = option(0.0, "Dropout in front of the LoRA matrices.", least=0, most=1)
    epochs: float = option(3.0, "Passes over the rows.", above=0, most=10_000)
    batch_size: int = option(
        1, "Rows of an optimiser step, times --grad-accum; memory decides how many are computed at once.", least=1
    )
    grad_accum: int = option(8, "The other factor of the rows of an optimiser step.", least=1)
    lr: float = option(2e-4, "Peak learning rate.", above=0, most=100)
    warmup: float = option(0.1, "Share of the steps over which the learning rate rises.", least=0, most=1)
    weight_decay: float = option(0.0, "AdamW's weight decay.", least=0, most=100)
    max_grad_norm: float = option(1.0, "Gradient clipping.", above=0)
    max_length: int = option(2048, "Longest row in tokens; longer ones are left out and counted.", least=1)
    quantize: str = option("none", "none, 8bit or 4bit: QLoRA needs the extra axiom-rl[qlora].")
    objective: str = option(
        "sft", "sft (imitate what passed), dpo, grpo, kto (prefer it to what failed), or value (tell them apart)."
    )
    beta: float = option(0.1, "dpo, kto: how strongly the model is held to what it was.", above=0, most=1000)
    clip: float = option(
        1.0, "grpo: a token's probability counts from 1 - clip to 1 + clip times what it was.", above=0, most=1000
    )
    method: str = option("lora", "lora, dora (LoRA with a learnt length of each row of W), or full for all weights.")
    rslora: bool = option(False, "Scale LoRA by alpha / sqrt(r), which suits high ranks.")
    optimizer: str = option(
        "adamw", "adamw, adamw8bit (a quarter of its memory; needs axiom-rl[qlora]) or muon (from scratch)."
    )
    precision: str = option(
        "auto", "float32, bfloat16 (products in half the memory), or auto: bfloat16 on an accelerator that has it."
    )
    gradient_checkpointing: bool = option(
        False, "Keep one activation a layer and compute the others again: a third slower, far less memory."
    )
    shard: bool = option(
        False, "Under torchrun: each process holds a part of the model (FSDP), which may be too big for one of them."
    )
    seed: int = option(0, "Seed of the order of the rows and of the LoRA matrices.", least=0)
    max_per_problem: int = option(
        4, "Distinct accepted solutions kept of one problem, and failed ones (grpo keeps all).", least=1
    )
    checkpoint_seconds: float = option(
        120.0, "Seconds of training that a killed run may lose: its state is written so often.", least=0
    )
    tracker: str = option("none", "none, tensorboard, wandb (offline) or trackio (comma-separated), each an extra.")
    force: bool = option(False, "Train even on fewer than 20 rows.")

    def learning(self) -> dict[str, Any]:
        """The fields that decide the weights, once the rows are chosen."""
        left_out = {"force", "max_per_problem", "gradient_checkpointing", "shard", "checkpoint_seconds", "tracker"}
        left_out |= {"beta", "clip"} - USES.get(self.objective, set())
        left_out |= {"lora_r", "lora_alpha", "lora_dropout", "rslora"} if self.method == "full" else set()
        return {name: value for name, value in asdict(self).items() if name not in left_out}


@dataclass(frozen=True)
class MergeConfig:
    """`axiom merge`."""

    dtype: str = option("auto", "Type of the merged weights: auto (the base's own), float32, bfloat16 or float16.")
    max_relative_error: float = option(
        0.02, "The certificate fails above this error of the applied delta in float32.", least=0
    )


@dataclass(frozen=True)
class LoopConfig:
    """`axiom loop`."""

    experiment: str = option("self_improve_v1", "Name of the run and of its folder under experiments/.")
    preset: str = option("quick", "quick (3 rounds) or long (30 short ones, each from the one before, levels 1 to 10).")
    iterations: int = option(3, "Rounds of collect, train, merge.", least=1)
    train_size: int = option(8000, "Fresh training problems a round.", least=1)
    val_size: int = option(
        600, "Validation problems: they choose the best round and where to draw new problems.", least=1
    )
    test_size: int = option(1000, "Held-out problems, met only at the end.", least=1)
    problem_types: str = option("arithmetic,rpn,parentheses,list_ops", "Families, comma-separated.")
    min_difficulty: int = option(3, "Lowest level.", least=1, most=10)
    max_difficulty: int = option(7, "Highest level.", least=1, most=10)
    samples: int = option(1, "Samples of each training problem.", least=1, most=MILLION)
    temperature: float = option(0.8, "Temperature of the training samples.", least=0, most=100)
    max_tokens: int = option(192, "Longest completion, in tokens.", least=1, most=MILLION)
    objective: str = option("sft", "sft (imitate what passed), dpo, grpo or kto (prefer it to what failed).")
    lr: float = option(1e-3, "Peak learning rate; 1e-4 suits pretrained models.", above=0, most=100)
    epochs: float = option(2.0, "Passes over a round's rows.", above=0, most=10_000)
    batch_size: int = option(32, "Rows in one optimiser step.", least=1)
    lora_r: int = option(64, "Rank of the LoRA matrices.", least=1, most=4096)
    lora_alpha: int = option(128, "LoRA's scale is alpha / r.", least=1)
    engine: str = option("auto", "What writes the samples: auto, transformers or vllm.")
    start: str = option("base", "base (train from the original weights each round) or previous.")
    replay: str = option(
        "50/40/10", "Shares of new, historical and cold-start rows, by loss tokens; only sft takes all three."
    )
    curriculum: bool = option(True, "Draw training problems where the model solves some and fails some.")
    control: str = option("", "Control arms at equal compute: shuffled, cold-only (comma-separated).")
    seed: int = option(0, "Seed of the whole run.", least=0)
    plan: bool = option(False, "Say what would be done, and stop.")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {},
    "long": {
        "iterations": 30,
        "train_size": 4000,
        "min_difficulty": 1,
        "max_difficulty": 10,
        "max_tokens": 320,
        "start": "previous",
    },
}
"""What `axiom loop --preset NAME` sets, where the user sets nothing else."""
LOOP_OBJECTIVES: Mapping[str, Mapping[str, Any]] = {
    "dpo": {"samples": 8, "lr": 5e-5, "replay": "60/40/0"},
    "kto": {"samples": 8, "lr": 2e-4, "replay": "60/40/0"},
    "grpo": {"samples": 8, "lr": 5e-5, "replay": "100/0/0", "start": "previous"},
}
"""What `axiom loop --objective NAME` sets, where the user sets nothing else (rates: docs/decisions/0011)."""
