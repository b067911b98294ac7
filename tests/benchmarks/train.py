"""Tokens learnt a second beside TRL's SFTTrainer, and the seconds until the first step, in one run. By hand:

    PYTHONPATH=. python tests/benchmarks/train.py --trl PYTHON [--model nano] [--rows 320] [--epochs 1]
        [--precision float32] [--rounds 2]

Both train the same LoRA (rank 16 on every linear layer but the head) on the same token ids with the same loss mask, 8
rows a step, without gradient checkpointing, in the same precision. Tokens learnt are those that the loss falls on; time
is that of the whole call, the model being loaded before it. TRL runs in an interpreter of its own. The rounds
alternate, each figure is the best of them, and the ratio is what counts; on a busy machine, that of the processor's
seconds (of all threads and processes).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axiom_cli import models
from axiom_cli.problems.families import draw, teacher
from axiom_cli.records import ModelRef, Sample, Verdict
from axiom_cli.settings.configs import TrainConfig

FAMILIES = ("register_machine", "robot_walk", "queue_listing")
THEIRS = """
import json, os, sys, time
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

job = json.load(open(sys.argv[1]))
rows = [{"input_ids": p + c, "completion_mask": [0] * len(p) + [1] * len(c)} for p, c in job["rows"]]
model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
config = SFTConfig(
    output_dir=job["folder"], per_device_train_batch_size=job["batch"], gradient_accumulation_steps=1,
    num_train_epochs=job["epochs"], learning_rate=job["lr"], lr_scheduler_type="cosine", warmup_steps=1,
    gradient_checkpointing=False, bf16=job["bf16"], completion_only_loss=True, report_to="none", save_strategy="no",
    logging_strategy="steps", logging_steps=1, disable_tqdm=True, use_cpu=not torch.cuda.is_available(), seed=0,
    max_length=job["max_length"], dataloader_pin_memory=False,
)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
trainer = SFTTrainer(model, args=config, train_dataset=Dataset.from_list(rows), peft_config=lora,
                     processing_class=AutoTokenizer.from_pretrained(job["model"]))
start, before = time.perf_counter(), sum(os.times()[:4])
trainer.train()
seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - before
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
steps = trainer.state.global_step
print(json.dumps({"seconds": seconds, "cpu": cpu, "steps": steps, "first": losses[0], "last": losses[-1]}))
"""


def samples(count: int) -> list[Sample]:
    """Worked solutions of as many problems, short and long."""
    problems = draw.problems(list(FAMILIES), count, range(1, 11), "train", 11, "answer")
    return [Sample(p, ModelRef("solver", "0" * 64), "scripted", {}, 0, 1, teacher.teach(p)) for p in problems]


def ours(trainer: Any, rows: list[Any], config: TrainConfig) -> Callable[[], dict[str, float]]:
    """One run of the trainer: its seconds, steps and losses."""

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            start, before = time.perf_counter(), sum(os.times()[:4])
            metrics = trainer.fit(rows, config, Path(folder) / "adapter")
            seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - before
        losses = {"first": metrics["loss_first"], "last": metrics["loss_last"]}
        return {"seconds": seconds, "cpu": cpu, "steps": metrics["steps"], **losses}

    return run


def theirs(python: str, model: Path, rows: list[Any], config: TrainConfig) -> Callable[[], dict[str, float]]:
    """The same of SFTTrainer."""

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            job = {
                "model": str(model), "folder": folder, "rows": [[row.prompt_ids, row.completion_ids] for row in rows],
                "batch": config.batch_size * config.grad_accum, "epochs": config.epochs, "lr": config.lr,
                "bf16": config.precision == "bfloat16", "max_length": config.max_length,
            }  # fmt: skip
            (Path(folder) / "job.json").write_text(json.dumps(job))
            command = [python, "-c", THEIRS, str(Path(folder) / "job.json")]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    return run


def until_first_step(rows: list[Sample]) -> tuple[float, float]:
    """Seconds from the start of `axiom train` on nano to its first optimiser step, imports included: by the clock, and
    the processor's."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "verdicts.jsonl"
        lines = [json.dumps(Verdict(s, "pass", 1, 1, "", "exact").to_dict()) for s in rows]
        file.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "axiom_cli", "--workspace", f"{folder}/ws", "train", str(file)]
        start, before = time.perf_counter(), sum(os.times()[2:4])
        with subprocess.Popen([*command, "--model", "nano"], stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            for line in process.stderr:
                if line.strip() == "train":  # is said with the first step
                    seconds = time.perf_counter() - start
                    process.kill()
                    process.wait()
                    return seconds, sum(os.times()[2:4]) - before
    raise SystemExit("no step was made")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trl", required=True, metavar="PYTHON")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--rows", type=int, default=320)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    scored = samples(arguments.rows)
    clocks, cpus = zip(*(until_first_step(scored) for _ in range(arguments.rounds)), strict=True)
    print(f"first step of axiom train on nano: {min(clocks):.1f} s, {min(cpus):.1f} s of a processor", flush=True)

    from axiom_cli.learning.training.rows import encode
    from axiom_cli.learning.training.trainer import Trainer

    config = TrainConfig(epochs=arguments.epochs, precision=arguments.precision)
    path = models.resolve(arguments.model).path
    trainer = Trainer(path, config=config)
    rows = encode([(sample, 1.0) for sample in scored], trainer.tokenizer, trainer.ends, config.max_length).rows
    tokens = sum(len(row.completion_ids) for row in rows) * arguments.epochs
    print(f"{len(rows)} rows, {sum(row.length for row in rows):,} tokens, {tokens:,.0f} of them learnt", flush=True)
    runs = {"axiom": ours(trainer, rows, config), "trl": theirs(arguments.trl, path, rows, config)}
    best: dict[str, dict[str, float]] = {}
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            figures = run()
            best[name] = figures | {key: min(figures[key], best.get(name, figures)[key]) for key in ("seconds", "cpu")}
    for name, figures in best.items():
        rate = tokens / figures["seconds"]
        losses = f"loss {figures['first']:.3f} -> {figures['last']:.3f}"
        print(f"{name:6} {rate:9,.0f} tokens/s  {figures['steps']:.0f} steps  {losses}")
    wall, cpu = (best["trl"][key] / best["axiom"][key] for key in ("seconds", "cpu"))
    print(f"ratio  {wall:9.2f} by the clock, {cpu:.2f} by the processor's seconds")


if __name__ == "__main__":
    main()
