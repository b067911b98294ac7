"""One stage of the device check: run by check.py, in a process of its own. Its last line on stdout is what it found."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from axiom_cli import models
from axiom_cli.errors import AxiomError
from axiom_cli.experiment import memory_forecast
from axiom_cli.learning.merge import merge
from axiom_cli.learning.train import train
from axiom_cli.models import Resolved
from axiom_cli.models.loading import device, load_model, load_tokenizer
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import remember_rollout
from axiom_cli.settings.configs import LoopConfig, MergeConfig, SolveConfig, TrainConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace
from benchmarks import solve as sampling
from benchmarks import train as training

HALF = "bfloat16"
BATCH = 8
NANO_LR = 1e-3


@dataclass(frozen=True)
class Sizes:
    """How much of everything. `batches` are the sizes that `generate` is tried with, `lr` is for the model that is not
    nano: the fewer the steps, the larger it must be for bfloat16 weights to keep what they do."""

    problems: int
    samples: int
    tokens: int
    rows: int
    batches: tuple[int, ...]
    lr: float


FULL = Sizes(problems=512, samples=4, tokens=192, rows=400, batches=(64, 256), lr=2e-4)
SMALL = Sizes(problems=8, samples=2, tokens=24, rows=24, batches=(8,), lr=2e-3)


@contextmanager
def measured(into: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Adds to `into[name]` what the block took: seconds, and the most memory that it held, in bytes. On a processor
    that is the process's peak so far."""
    figures: dict[str, Any] = into.setdefault(name, {})
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    yield figures
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        figures["peak_bytes"] = torch.cuda.max_memory_allocated()
    else:
        figures["peak_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["seconds"] = round(time.perf_counter() - begun, 3)


def as_half(model: str, folder: Path) -> Path:
    """The model in bfloat16, as a folder, as most are published."""
    source = models.resolve(model).path
    load_model(source, dtype=torch.bfloat16, at=torch.device("cpu")).save_pretrained(folder)
    load_tokenizer(source).save_pretrained(folder)
    return folder


def learning_rate(model: str, sizes: Sizes) -> float:
    """What `model` is trained with here."""
    return NANO_LR if model == "nano" else sizes.lr


def training_config(model: str, sizes: Sizes) -> TrainConfig:
    """How both models are trained here."""
    lr = learning_rate(model, sizes)
    return TrainConfig(batch_size=BATCH, grad_accum=1, epochs=1.0, lr=lr, precision=HALF, force=True)


def one_round(model: str, sizes: Sizes, home: Path) -> dict[str, Any]:
    """Samples, trains on the solver's traces, merges, swaps the weights in the running engine, and samples again."""
    figures: dict[str, Any] = {}
    workspace = Workspace.create(home / "workspace")
    base = models.resolve(str(as_half(model, home / "half")), workspace)
    config = SolveConfig(samples=sizes.samples, temperature=0.8, max_tokens=sizes.tokens, engine="transformers")
    problems = sampling.drawn(sizes.problems)
    rows = list(verify(training.samples(sizes.rows), VerifyConfig()))
    with closing(EngineHandle(base, workspace, config)) as engine:
        with measured(figures, "sampling") as took:
            took.update(sampled(base, problems, config, engine, workspace))
        with measured(figures, "training") as took:
            adapter = train(rows, base, training_config(model, sizes), workspace)
            took.update((name, adapter.metrics[name]) for name in ("loss_first", "loss_last", "steps", "loss_tokens"))
        with measured(figures, "merge") as took:
            merged = merge(adapter, MergeConfig(), workspace, base=base)
            took["certificate"] = dict(merged.certificate)
        learnt = Resolved("learnt", merged.digest, workspace.tree_path(merged.digest))
        with measured(figures, "swap"):
            engine.load_weights(learnt)  # an error where the logits are still those of the base
        with measured(figures, "sampling again") as took:
            took.update(sampled(learnt, problems, config, engine, workspace))
    for name, forecast in forecasts(base, config, training_config(model, sizes)).items():
        figures[name]["forecast_bytes"] = forecast
    return {"model": model, "rows": len(rows), **figures, "problems": faults_of(figures)}


def forecasts(base: Resolved, sampling: SolveConfig, training: TrainConfig) -> dict[str, int]:
    """What `axiom loop` says that sampling and training take at least."""
    shape = memory_forecast.shape_of(base)
    if shape is None:
        return {}
    config = LoopConfig(solve=sampling, train=training)
    needed = memory_forecast.memory_needed(config, shape, memory_forecast.this_machine(), "transformers")
    return {"sampling": sum(needed.sampling.values()), "training": sum(needed.training.values())}


def sampled(
    model: Resolved, problems: Sequence[Problem], config: SolveConfig, engine: EngineHandle, workspace: Workspace
) -> dict[str, Any]:
    """What came of a model's samples."""
    verdicts, _ = remember_rollout(model, problems, config, engine, workspace, on_problem=lambda _done: None)
    return {
        "samples": len(verdicts),
        "tokens": sum(verdict.sample.tokens for verdict in verdicts),
        "passed": sum(verdict.passed for verdict in verdicts),
        "errors": sorted(_errors(verdicts))[:3],
    }


def _errors(verdicts: Sequence[Verdict]) -> set[str]:
    faults = {str(v.sample.extra.get("error")) for v in verdicts if v.sample.finish == "error"}
    return faults | {verdict.reason for verdict in verdicts if verdict.status == "infra"}


def faults_of(figures: dict[str, Any]) -> list[str]:
    """What is not as it should be in a round."""
    faults = [f"{name}: {said}" for name in ("sampling", "sampling again") for said in figures[name]["errors"]]
    steps = figures["training"]
    if steps["steps"] >= 10 and not steps["loss_last"] < steps["loss_first"]:
        faults.append("training did not lower the loss")
    return faults


def speed(model: str, sizes: Sizes, home: Path) -> dict[str, Any]:
    """Tokens a second of the sampler beside `generate`, and of the trainer beside a plain loop, in bfloat16. The second
    of two runs counts; `ratio` is ours to the best of theirs."""
    half = as_half(model, home / "half")
    config = SolveConfig(samples=1, temperature=0.8, max_tokens=sizes.tokens, dtype=HALF)
    problems = sampling.drawn(sizes.problems)
    ways = {"axiom": sampling.ours(str(half), problems, config)}
    ways |= {f"generate, {size}": sampling.theirs(str(half), problems, config, size) for size in sizes.batches}
    figures = {"model": model, "sampling": rates(ways)}
    ways.clear()
    return {**figures, "training": rates(training_ways(model, half, sizes))}


def rates(ways: dict[str, Any]) -> dict[str, Any]:
    """Tokens a second of each way."""
    speeds = {}
    for name, write in ways.items():
        for _ in range(2):
            begun = time.perf_counter()
            tokens = write()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            speeds[name] = round(tokens / (time.perf_counter() - begun), 1)
    ours, *others = speeds.values()
    return {"tokens_per_second": speeds, "ratio": round(ours / max(others), 3)}


def training_ways(model: str, half: Path, sizes: Sizes) -> dict[str, Any]:
    """The trainer, and a plain loop over padded batches with the same LoRA, optimizer and precision."""
    from axiom_cli.learning.training.rows import encode
    from axiom_cli.learning.training.trainer import Trainer

    config = training_config(model, sizes)
    trainer = Trainer(half, config=config)
    samples = [(sample, 1.0) for sample in training.samples(sizes.rows)]
    rows = encode(samples, trainer.tokenizer, trainer.ends, config.max_length).rows

    def ours() -> int:
        with TemporaryDirectory() as folder:
            return trainer.fit(rows, config, Path(folder) / "adapter")["loss_tokens"]

    return {"axiom": ours, "plain loop": plain_loop(half, rows, config)}


def plain_loop(half: Path, rows: Sequence[Any], config: TrainConfig) -> Any:
    """What one writes in an evening: batches of rows as they come, padded to the longest."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(r=config.lora_r, lora_alpha=config.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(half, dtype=torch.bfloat16).to(device()), lora)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=config.lr)

    def run() -> int:
        model.train()
        tokens = 0
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            width = max(len(row.prompt_ids) + len(row.completion_ids) for row in batch)
            filled = [
                (p := list(row.prompt_ids), c := list(row.completion_ids), width - len(p) - len(c)) for row in batch
            ]
            ids = torch.tensor([p + c + [0] * rest for p, c, rest in filled], device=device())
            labels = torch.tensor([[-100] * len(p) + c + [-100] * rest for p, c, rest in filled], device=device())
            mask = torch.tensor([[1] * (width - rest) + [0] * rest for _, _, rest in filled], device=device())
            with torch.autocast(device().type, torch.bfloat16):
                loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
            tokens += sum(len(row.completion_ids) for row in batch)
        return tokens

    return run


def loop(model: str, sizes: Sizes, home: Path) -> dict[str, Any]:
    """`axiom loop` for one round in bfloat16, as a user types it, and the same again, which must do nothing."""
    half = as_half(model, home / "half")
    count = str(max(32, sizes.problems))
    words = [
        "loop", "--experiment", "device", "--model", str(half), "--iterations", "1", "--engine", "transformers",
        "--train-size", count, "--val-size", "16", "--test-size", "16", "--samples", str(sizes.samples),
        "--min-difficulty", "1", "--max-difficulty", "4", "--epochs", "1", "--lr", str(learning_rate(model, sizes)),
        "--dtype", HALF, "--precision", HALF, "--ignore-gates",
    ]  # fmt: skip
    if model != "nano":  # it knows no format of answers yet
        words += ["--coldstart", str(sizes.rows), "--max-tokens", "192"]
    figures: dict[str, Any] = {"command": "axiom " + " ".join(words).replace(str(half), model)}
    faults = []
    metrics = home / "experiments" / "device" / "metrics.jsonl"
    written = []
    for name in ("first", "again"):
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "axiom_cli", *words], cwd=home, capture_output=True, text=True, env=os.environ
        )
        figures[name] = {"code": done.returncode, "seconds": round(time.perf_counter() - begun, 1)}
        if done.returncode:
            faults.append(f"the {name} run ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        written.append(metrics.read_text() if metrics.exists() else "")
    if written[0] != written[1]:
        faults.append("the same command again measured anew what it had measured")
    rows = [json.loads(line) for line in written[0].splitlines()]
    phases = ("collect", "train", "merge")
    figures["phases"] = {
        row["phase"]: {name: row[name] for name in ("n", "passed", "tokens", "seconds")}
        for row in rows
        if row.get("phase") in phases
    }
    return {**figures, "problems": faults}


STAGES = {"round": one_round, "speed": speed, "loop": loop}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    sizes = SMALL if arguments.small else FULL
    if arguments.model != "nano" and not arguments.small:
        sizes = replace(sizes, problems=128, rows=200)
    with TemporaryDirectory() as home:
        try:
            figures = STAGES[arguments.stage](arguments.model, sizes, Path(home))
        except AxiomError as error:
            figures = {"problems": [f"{error}; hint: {error.hint}"]}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
