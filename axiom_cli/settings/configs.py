"""One frozen dataclass a stage: the only place where a default, its help and its bounds are written.

A closed choice is a `Literal`. A field's metadata holds its `help`, its `bounds`, the `topic` of the help page that it
belongs to, the name that it had `formerly`, an `alias` that stays, the `advice` for words that people try instead of a
choice, and the choices that are `hidden`. fields.py checks them: no config exists with a number outside its bounds or a
word that is not among its choices. A config of several stages holds theirs (`stage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from axiom_cli.records import HIGHEST_LEVEL
from axiom_cli.settings.fields import Config, option, stage

DAY = 86_400
MILLION = 1_000_000

Split = Literal["train", "val", "test"]
Form = Literal["answer", "program"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class GlobalConfig(Config):
    """What every command takes."""

    workspace: str = option("", "The workspace [.axiom, found upwards like .git].")
    quiet: bool = option(default=False, text="Only warnings and errors on stderr.")
    debug: bool = option(default=False, text="Show the traceback of every error.")


@dataclass(frozen=True)
class ModelConfig(Config):
    """What every command that needs a model takes."""

    TOPIC: ClassVar[str] = "Model"

    model: str = option("", "nano, a hub id, a folder, a .gguf file, or a name in the workspace [nano].")


@dataclass(frozen=True)
class GenConfig(Config):
    """`axiom problems gen`."""

    count: int = option(100, "How many problems to make.", least=0)
    difficulty: str = option("3-7", "Levels: LO-HI, or one number; 1-10, and more of some families (problems list).")
    seed: int = option(0, "Seed of the stream of problems.", least=0)
    split: Split = option("train", "Which split to make; splits never share a problem.")
    form: Form = option("answer", "Ask for an answer, or for a program (a function, tested).")


@dataclass(frozen=True)
class AuditConfig(Config):
    """`axiom problems audit`."""

    draws: int = option(10_000, "Problems drawn from each family; a hundredth of that in program form.", least=1)
    count: int = option(1000, "Check that a split has at least this many problems at each level.", least=1)
    split: Literal["", Split] = option("", "The split to count problems in [every one].")
    jobs: int = option(0, "Families to audit in parallel; 0 means one per core.", least=0, most=1024)


@dataclass(frozen=True)
class ImportConfig(Config):
    """`axiom problems import`."""

    column: str = option("", "FIELD=COLUMN, such as answer=meta.answer: where to read a field; FIELD= skips it.")
    answer_after: str = option("", "Take what follows the last occurrence of this text: '####', '\\boxed{'.")
    split: str = option("", "Split of the data set [its only one]; given to problems whose row names none.")
    subset: str = option("", "Subset of the data set [its only one, or default].")


@dataclass(frozen=True)
class ColdstartConfig(Config):
    """`axiom coldstart`."""

    TOPIC: ClassVar[str] = "Teacher"

    teacher: str = option(
        "solver", "solver (embedded, offline), gemini, the URL of an OpenAI-compatible server, or any model's name."
    )
    teacher_model: str = option("", "Model of the remote teacher [gemini-2.5-flash for gemini].")
    traces: int = option(4, "Traces per problem; the solver writes one.", least=1, most=MILLION)
    think: bool = option(
        default=True, text="Ask for reasoning between <think> and </think> (--no-think: the bare answer or program)."
    )
    teacher_engine: str = option("auto", "Engine that samples from a teacher on this machine.")
    teacher_temperature: float = option(0.7, "Temperature of the traces; the solver knows one.", least=0, most=100)
    teacher_max_tokens: int = option(
        0, "Longest trace, in tokens; 0 means 8,192 from a server and 1,024 on this machine.", least=0, most=MILLION
    )
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high"] = option(
        "", "How much a remote teacher reasons unseen before it writes [its own default]."
    )
    delay: float = option(0.0, "Seconds between two requests to a remote teacher.", least=0, most=DAY)
    budget: str = option(
        "none", "Most to spend on a remote teacher, earlier runs included: tokens (200000, 2M) or dollars ('$5')."
    )
    price_in: float = option(
        0.0, "Dollars per million prompt tokens [list price of Gemini 2.5].", least=0, most=MILLION
    )
    price_out: float = option(
        0.0, "Dollars per million completion tokens, unseen reasoning included [as above].", least=0, most=MILLION
    )
    include_failed: bool = option(default=False, text="Also write the verdicts of traces that failed.")
    train: bool = option(default=False, text="Also train a model on the accepted traces, and merge it.")


STRATEGY, SERVERS, HARDWARE = "Strategy", "Servers", "Hardware"


@dataclass(frozen=True)
class SolveConfig(Config):
    """`axiom solve`."""

    TOPIC: ClassVar[str] = "Sampling"

    samples: int = option(8, "Samples per problem.", least=1, most=MILLION)
    temperature: float = option(0.7, "Sampling temperature; 0 is greedy.", least=0, most=100)
    top_p: float = option(1.0, "Nucleus sampling: keep the smallest set of tokens with this mass.", above=0, most=1)
    max_tokens: int = option(512, "Longest completion, in tokens.", least=1, most=MILLION)
    seed: int = option(0, "Seed of the sampling.", least=0)
    engine: str = option("auto", "auto, transformers, vllm, remote, server, scripted or a plug-in.", topic=HARDWARE)
    dtype: Dtype = option("auto", "Type of the weights in the transformers engine.", topic=HARDWARE)
    max_think_tokens: int = option(
        0, "Close the model's thought after this many tokens; 0 sets no limit.", least=0, formerly="think_tokens"
    )
    batch_tokens: int = option(
        0, "Size of the engine's KV cache in tokens; 0 fits it to the free memory.", least=0, topic=HARDWARE
    )
    strategy: Literal["best-of-n", "retry", "vote", "value", "adaptive"] = option(
        "best-of-n", "How to spend the samples of a problem.", topic=STRATEGY
    )
    value_function: str = option(
        "",
        "Score each sample by this value function, a name in the workspace or a folder; others, after commas, are "
        "compared with it.",
        topic=STRATEGY,
        formerly="value",
    )
    max_attempts: int = option(
        3, "With --strategy retry: attempts at a problem, each told why the last one failed.", least=1, topic=STRATEGY
    )
    early_stop: bool = option(
        default=False,
        text="Stop sampling a problem once it is solved, or after --samples.",
        topic=STRATEGY,
        formerly="until_solved",
    )
    target_passes: int = option(
        1,
        "Passing samples that solve a problem, for --early-stop, retry and adaptive.",
        least=1,
        most=MILLION,
        topic=STRATEGY,
        formerly="enough",
    )
    stop_on: Literal["verifier", "agreement"] = option(
        "verifier", "With --strategy adaptive: what ends the sampling of a problem.", topic=STRATEGY, formerly="settle"
    )
    server: str = option(
        "",
        "URL of a running vLLM server that has the model's base, and is handed adapters: it samples.",
        topic=SERVERS,
    )
    concurrency: int = option(8, "Requests to a server at a time.", least=1, most=1024, topic=SERVERS)
    requests_per_minute: int = option(
        0, "Requests to a server per minute, evenly spaced; 0 sets no limit.", least=0, most=MILLION, topic=SERVERS
    )
    request_timeout: float = option(
        600.0, "Seconds for one request to a server, from first byte to last.", above=0, most=DAY, topic=SERVERS
    )


@dataclass(frozen=True)
class VerifyConfig(Config):
    """`axiom verify`."""

    TOPIC: ClassVar[str] = "Verification"

    timeout: float = option(5.0, "Seconds of processor time for one program.", least=0.001, most=DAY)
    test_timeout: float = option(
        0.0, "Seconds of processor time for each of its tests; 0 sets no separate limit.", least=0, most=DAY
    )
    memory: int = option(256, "Memory for one program, in MiB.", least=1, most=2**20)
    jobs: int = option(0, "Programs to run in parallel; 0 means one per core.", least=0, most=1024)
    isolation: Literal["auto", "strong", "good", "basic", "limited", "none"] = option(
        "auto", "Weakest isolation to accept; auto is the best of this machine."
    )
    unsafe_no_sandbox: bool = option(default=False, text="With --isolation none: run programs without any sandbox.")
    allow: str = option("", "Packages that programs may import, comma-separated: numpy.")
    allow_checkers: str = option("", "Packages whose functions may judge, outside the sandbox, where problems say so.")
    checker_timeout: float = option(60.0, "Seconds for one call of such a function.", above=0, most=DAY)


@dataclass(frozen=True)
class DistributeConfig(Config):
    """`axiom solve` and `axiom verify` on several machines."""

    TOPIC: ClassVar[str] = "Cluster"

    distribute: Literal["", "ray"] = option("", "Send the work to a Ray cluster; needs axiom-rl[ray].")
    ray_address: str = option(
        "",
        "Cluster to join: HOST:PORT, auto, or local to start one for this run [RAY_ADDRESS, else auto].",
        formerly="address",
    )
    workers: int = option(0, "Workers to use; 0 means one per accelerator, or one per core without any.", least=0)


@dataclass(frozen=True)
class AskConfig(Config):
    """`axiom ask`."""

    TOPIC: ClassVar[str] = "Sampling"

    form: Form = option("answer", "Ask for an answer, or for a program.")
    system: str = option("", "What the system says [what it says in training, for the form].")
    temperature: float = option(0.0, "Sampling temperature; 0 is greedy.", least=0, most=100)
    max_tokens: int = option(512, "Longest answer, in tokens.", least=1, most=MILLION)
    seed: int = option(0, "Seed of the sampling.", least=0)
    dtype: Dtype = option("auto", "Type of the weights.", topic=HARDWARE)


USES: Mapping[str, set[str]] = {"dpo": {"beta"}, "kto": {"beta"}, "grpo": {"clip"}, "value-dpo": {"beta"}}
"""Options of TrainConfig that one objective uses and others do not."""
VERIFIERS = ("value", "value-dpo")
"""Objectives that fit no generator but what tells its right samples from its wrong ones."""
LORA, SELECTION = "LoRA", "Selection of rows"


@dataclass(frozen=True)
class TrainConfig(Config):
    """`axiom train`."""

    TOPIC: ClassVar[str] = "Training"

    lora_r: int = option(16, "Rank of the LoRA matrices.", least=1, most=4096, topic=LORA)
    lora_alpha: int = option(32, "LoRA is scaled by alpha / r.", least=1, topic=LORA)
    lora_dropout: float = option(0.0, "Dropout before the LoRA matrices.", least=0, most=1, topic=LORA)
    epochs: float = option(3.0, "Passes over the rows.", above=0, most=10_000)
    batch_size: int = option(
        1, "Rows per optimiser step, times --grad-accum; memory decides how many run at once.", least=1
    )
    grad_accum: int = option(8, "Gradient accumulation: rows per optimiser step = batch size x this.", least=1)
    lr: float = option(2e-4, "Peak learning rate.", above=0, most=100)
    warmup: float = option(0.1, "Share of the steps over which the learning rate rises.", least=0, most=1)
    weight_decay: float = option(0.0, "Weight decay of matrices (with Muon, not of embeddings).", least=0, most=100)
    max_grad_norm: float = option(1.0, "Gradient clipping: largest norm of the gradient.", above=0)
    max_length: int = option(
        2048, "Longest row in tokens; longer rows are left out and counted.", least=1, topic=SELECTION
    )
    quantize: Literal["none", "8bit", "4bit"] = option(
        "none", "Quantise the base weights (QLoRA); needs axiom-rl[qlora].", topic=HARDWARE
    )
    objective: Literal["sft", "dpo", "grpo", "kto", "value", "value-dpo"] = option(
        "sft",
        "What to learn: imitate what passed (sft), prefer it to what failed (dpo, grpo, kto), or tell them apart, by "
        "P(correct) or by pairs (value, value-dpo).",
    )
    beta: float = option(
        0.1, "For dpo, kto and value-dpo: strength of the pull towards the reference model.", above=0, most=1000
    )
    clip: float = option(
        1.0, "For grpo: clip the probability ratio of a token to 1 - clip .. 1 + clip.", above=0, most=1000
    )
    method: Literal["lora", "dora", "full"] = option(
        "lora",
        "LoRA, DoRA (LoRA with a learned magnitude per row), or full for all weights.",
        topic=LORA,
        advice={"qlora": "qlora is --method lora --quantize 4bit", "rslora": "rslora is --method lora --rslora"},
    )
    rslora: bool = option(default=False, text="Scale LoRA by alpha / sqrt(r), which suits high ranks.", topic=LORA)
    optimizer: Literal["adamw", "adamw8bit", "muon"] = option(
        "adamw", "adamw8bit takes a quarter of the memory and needs axiom-rl[qlora]; muon is for training from scratch."
    )
    precision: Literal["auto", "float32", "bfloat16"] = option(
        "auto", "Type of matrix products; auto is bfloat16 on an accelerator that has it.", topic=HARDWARE
    )
    gradient_checkpointing: bool = option(
        default=False,
        text="Keep one activation per layer and recompute the rest: far less memory, a third slower.",
        topic=HARDWARE,
    )
    fsdp: bool = option(
        default=False,
        text="Under torchrun: shard a model that is too big for one process over all of them.",
        topic=HARDWARE,
        formerly="shard",
    )
    seed: int = option(0, "Seed of the order of the rows and of the LoRA matrices.", least=0)
    max_per_problem: int = option(
        4,
        "Distinct accepted solutions to keep of each problem, and failed ones (grpo keeps all).",
        least=1,
        topic=SELECTION,
    )
    uninformative: float = option(
        0.1,
        "Largest share of rows that may tell little: of problems always solved, or nearly sure to be written.",
        least=0,
        most=1,
        topic=SELECTION,
    )
    checkpoint_seconds: float = option(
        120.0, "Save the state of the training this often, for a killed run to resume from.", least=0, topic="Output"
    )
    tracker: str = option(
        "none", "tensorboard, wandb (offline) or trackio, comma-separated; each is an extra.", topic="Output"
    )
    force: bool = option(default=False, text="Train even on fewer than 20 rows.", topic=SELECTION)

    def learning(self) -> dict[str, Any]:
        """The fields that decide the weights, once the rows are chosen."""
        left_out = {"force", "max_per_problem", "uninformative"}  # they choose the rows
        left_out |= {"gradient_checkpointing", "fsdp", "checkpoint_seconds", "tracker"}
        left_out |= {"beta", "clip"} - USES.get(self.objective, set())
        left_out |= {"lora_r", "lora_alpha", "lora_dropout", "rslora"} if self.method == "full" else set()
        return {name: value for name, value in asdict(self).items() if name not in left_out}


@dataclass(frozen=True)
class MergeConfig(Config):
    """`axiom merge`."""

    dtype: Dtype = option("auto", "Type of the merged weights; auto is that of the base.")
    max_relative_error: float = option(
        0.02, "The certificate fails if the applied delta is off by more than this, in float32.", least=0
    )


PROBLEMS = "Problems"
IN_ITS_PLACE = "axiom loop collects with best-of-n, retry or adaptive"


@dataclass(frozen=True)
class LoopConfig(Config):
    """`axiom loop`: what belongs to the experiment, and the configs of its stages."""

    TOPIC: ClassVar[str] = "Run"

    experiment: str = option("self_improve_v1", "Name of the run and of its folder under experiments/.")
    preset: Literal[
        "", "nano", "climb", "grok", "pretrained", "smollm", "classic", "gpu-12gb", "gpu-24gb", "gpu-80gb", "quick"
    ] = option(
        "",
        "Settings that suit a model and a machine; `axiom config --preset NAME` prints them [nano; with another "
        "--model, pretrained].",
        hidden=["quick"],
    )
    iterations: int = option(3, "Rounds of collect, train, merge.", least=1)
    patience: int = option(
        0,
        "Stop after this many rounds in a row without a gain on validation, or at once where a round loses to the best "
        "one, paired; 0 makes all rounds.",
        least=0,
    )
    problems: str = option(
        "arithmetic,rpn,parentheses,list_ops",
        "Sources, comma-separated: a family, FAMILY:LO-HI, handwritten, gym:NAME, a file, hub:OWNER/NAME. SOURCE*2 "
        "counts twice.",
        topic=PROBLEMS,
        alias="problem_types",
    )
    val: str = option("", "Sources of the validation problems [a part of --problems].", topic=PROBLEMS)
    test: str = option("", "Sources of the test problems [a part of --problems].", topic=PROBLEMS)
    split: str = option("80/10/10", "Percentages of a file that train, validate and test.", topic=PROBLEMS)
    as_: str = option(
        "auto", "Format of files, as in `axiom problems import`; auto goes by their columns.", topic=PROBLEMS
    )
    column: str = option(
        "", "FIELD=COLUMN, such as prompt=text: where files have a field [the usual names].", topic=PROBLEMS
    )
    form: Form = option(
        "answer", "What families ask for that have both forms: an answer, or a program.", topic=PROBLEMS
    )
    train_size: int = option(
        8000, "Training problems per round; all of a file if it has fewer.", least=1, topic=PROBLEMS
    )
    val_size: int = option(
        600, "Validation problems: they pick the best round and the levels to practise.", least=1, topic=PROBLEMS
    )
    evidence_size: int = option(
        0,
        "Fresh problems after each round, for an e-value of its model against the start model, which is valid whenever "
        "you look; 0 leaves it out.",
        least=0,
        topic=PROBLEMS,
    )
    test_size: int = option(1000, "Held-out problems, used only at the end.", least=1, topic=PROBLEMS)
    min_difficulty: int = option(3, "Lowest level.", least=1, most=HIGHEST_LEVEL, topic=PROBLEMS)
    max_difficulty: int = option(7, "Highest level.", least=1, most=HIGHEST_LEVEL, topic=PROBLEMS)
    climb_from: int = option(
        0,
        "Train up to this level at first; after each validation, train each family up to its lowest level with "
        "under 7 in 10 solved. 0 trains at all levels.",
        least=0,
        most=HIGHEST_LEVEL,
        topic=PROBLEMS,
    )
    curriculum: Literal["frontier", "bands", "fixed"] = option(
        "frontier",
        "Draw problems where the model solves some and fails some; from a band of levels that rises at a rate of 0.7 "
        "and falls under 0.3 (bands); or evenly (fixed).",
        topic=PROBLEMS,
    )
    coldstart: int = option(0, "Problems that a teacher solves before round 1; 0 leaves it out.", least=0)
    start: Literal["base", "previous", "continue"] = option(
        "base",
        "Train each round from the original weights, from the round before, or from there with the optimizer's state "
        "(continue).",
    )
    replay: str = option(
        "50/40/10", "Percentages of new, historical and cold-start rows, by loss tokens; only sft uses all three."
    )
    unmerged: bool = option(
        default=False, text="Sample from the base with a round's adapter on top, and merge nothing."
    )
    control: str = option(
        "", "Control arms at equal compute: shuffled, cold-only, unfiltered, format-only, one-shot (comma-separated)."
    )
    wrong_labels: float = option(
        0.0,
        "Turn round this share of the verdicts that a round learns from, where the start model solves at most 60 %: a "
        "gain that needs right verdicts falls with it.",
        least=0,
        most=1,
    )
    wrong_labels_kind: Literal["random", "near", "own"] = option(
        "random",
        "With --wrong-labels: which failures pass: any, those whose answers come closest, or the model's own most "
        "frequent wrong answers.",
    )
    dense_until: int = option(
        0,
        "Up to this round, a program counts as the share of its tests that it passes; then only one that passes all. "
        "0: all tests from the first round.",
        least=0,
    )
    transfer: bool = option(
        default=False,
        text="Train on each family alone, in a run of its own, and test on all: what learning one does to the others.",
    )
    seed: int = option(0, "Seed of the whole run.", least=0)
    ignore_gates: bool = option(default=False, text="Run although a gate says that nothing can come of it.")
    plan: bool = option(default=False, text="Measure what the run would take, and stop.")

    model: ModelConfig = stage(ModelConfig)
    solve: SolveConfig = stage(
        SolveConfig,
        without=("value_function",),
        refused={"strategy": {"vote": IN_ITS_PLACE, "value": IN_ITS_PLACE}},
    )
    verify: VerifyConfig = stage(VerifyConfig)
    train: TrainConfig = stage(
        TrainConfig,
        without=("force", "fsdp"),
        refused={
            "objective": {
                name: f"a loop needs a generator; axiom train --objective {name} fits a value function on its verdicts"
                for name in VERIFIERS
            }
        },
    )
    merge: MergeConfig = stage(MergeConfig)
    teaching: ColdstartConfig = stage(ColdstartConfig, without=("train", "include_failed"))
    distribute: DistributeConfig = stage(DistributeConfig)


@dataclass(frozen=True)
class ExportConfig(Config):
    """`axiom export`."""

    dtype: Literal["auto", "float32", "bfloat16", "float16", "q8_0"] = option(
        "auto", "Type of the weights in a .gguf file; auto is the model's own."
    )


@dataclass(frozen=True)
class EvalConfig(Config):
    """`axiom eval`: what to evaluate on, and how models are sampled and verified."""

    TOPIC: ClassVar[str] = PROBLEMS

    problems: str = option(
        "arithmetic,rpn,parentheses,list_ops",
        "Families (rpn:4-8), handwritten, gym:NAME, files, hub:NAME; comma-separated.",
    )
    count: int = option(500, "Problems from all families together; a file gives all that it has.", least=1)
    split: Split = option("test", "Which split to draw from families; splits never share a problem.")
    min_difficulty: int = option(3, "Lowest level of families.", least=1, most=HIGHEST_LEVEL)
    max_difficulty: int = option(7, "Highest level of families.", least=1, most=HIGHEST_LEVEL)
    form: Form = option("answer", "Ask families for an answer, or for a program.")
    as_: str = option("auto", "Format of a file, as in `axiom problems import`.")
    column: str = option("", "FIELD=COLUMN, such as answer=meta.answer: where to read a field.")
    samples: int = option(0, "Samples per problem, beside the greedy one.", least=0, most=MILLION, topic="Sampling")
    temperature: float = option(0.7, "Temperature of those samples.", above=0, most=100, topic="Sampling")
    seed: int = option(0, "Seed of the problems and of the samples.", least=0, topic="Sampling")

    solve: SolveConfig = stage(
        SolveConfig,
        without=(
            *("samples", "temperature", "seed"),
            *("strategy", "value_function", "max_attempts", "early_stop", "target_passes", "stop_on"),
        ),
    )
    verify: VerifyConfig = stage(VerifyConfig)
