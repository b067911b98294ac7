"""Runs every stage of the device check in a process of its own, and gathers what they found in one JSON. It is written
anew after each: a machine that is taken away leaves what there was. docs/device_check.md describes it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
TESTS = (
    "test_training.py", "test_methods.py", "test_sampling.py", "test_merge.py", "test_merge_adapters.py",
    "test_objectives_training.py", "test_engine_conformance.py", "test_value.py", "test_value_pairs.py",
    "test_training_stages.py", "test_architectures.py", "test_loop.py",
)  # fmt: skip
"""The files whose tests run a model where the device is."""
NEEDED = ("torch", "transformers", "peft", "accelerate", "pytest", "typer", "pydantic_settings", "orjson", "tenacity")
VERSIONS = ("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors", "numpy")
SHARE = {"speed": 50, "round": 60, "loop": 60, "tests": 120}
"""Seconds that each kind of stage may take at most, of 300; less where the time runs out."""
RESERVE = 5.0
"""Seconds that are kept for the end."""


@dataclass
class Check:
    """The check as far as it is."""

    out: Path
    device: str
    seconds: float
    started: float = field(default_factory=time.monotonic)
    stages: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def left(self) -> float:
        """Seconds until the end."""
        return self.seconds - RESERVE - (time.monotonic() - self.started)

    def run(self, name: str, *words: str) -> None:
        """Adds what the stage `name` found; why it found nothing is among the problems."""
        limit = min(self.left(), SHARE[name.split()[0]] * self.seconds / 300)
        print(f"{name} ...", file=sys.stderr, flush=True)
        if limit < RESERVE:
            self.add(name, {"finished": False}, [f"{name}: no time was left for it"])
            return
        begun = time.monotonic()
        result, fault = _run([sys.executable, str(HERE / "stages.py"), *words], limit)
        self.add(name, {**result, "finished": not fault, "seconds": round(time.monotonic() - begun, 1)}, [fault])

    def add(self, name: str, result: dict[str, Any], faults: list[str]) -> None:
        """Takes what a stage found, and writes the JSON."""
        self.stages[name] = result
        self.problems += [f"{name}: {fault}" for fault in (*faults, *result.pop("problems", ())) if fault]
        whole = {
            "kind": "device_check",
            "version": 1,
            **self.facts,
            "seconds": round(time.monotonic() - self.started, 1),
            "problems": self.problems,
            "stages": self.stages,
        }
        draft = self.out.with_name(f"{self.out.name}.draft")
        draft.write_text(json.dumps(whole, indent=2) + "\n")
        draft.replace(self.out)


def _run(command: list[str], limit: float) -> tuple[dict[str, Any], str]:
    """What the last line of a process's stdout says, and what went wrong with it. Its whole group ends with it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=limit)
            fault = f"ended with code {process.returncode}" if process.returncode else ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, fault = process.communicate()[0], f"was ended after {limit:.0f} s"
    lines = [line for line in said.splitlines() if line.startswith("{")]
    return (json.loads(lines[-1]) if lines else {}), fault


def run_tests(check: Check, files: list[str]) -> None:
    """The tests in `files`, the slow ones too, as many processes as the machine has room for."""
    limit, begun = min(check.left(), SHARE["tests"] * check.seconds / 300), time.monotonic()
    processes = max(1, min(8, (os.cpu_count() or 1) // 2))
    with TemporaryDirectory() as folder:
        report = Path(folder) / "tests.xml"
        spread = ["-n", str(processes), "--dist", "load"] if find_spec("xdist") else []
        options = [
            "-m",
            "slow or not slow",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "--override-ini=addopts=",
        ]
        if find_spec("pytest_timeout"):
            options += ["--timeout", "60"]
        command = [sys.executable, "-m", "pytest", "-q", *spread, *options, *(str(HERE.parent / f) for f in files)]
        log = check.out.with_name(f"{check.out.stem}.tests.log")
        with (
            log.open("w") as said,
            subprocess.Popen(
                command, cwd=HERE.parent.parent, stdout=said, stderr=said, start_new_session=True
            ) as process,
        ):
            try:
                process.wait(limit)
                fault = ""
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
                fault = f"not all ran within {limit:.0f} s"
                try:
                    process.wait(RESERVE)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
        report_facts = _read_report(report)
    if report_facts["failures"]:
        failed = len(report_facts["failures"])
        fault = f"{failed} of {report_facts['passed'] + failed} failed; {fault}".strip("; ")
    if not report_facts["passed"] and not fault:
        fault = f"none ran: {log.read_text()[-300:]}"
    report_facts |= {"finished": not fault, "seconds": round(time.monotonic() - begun, 1), "log": log.name}
    check.add("tests", report_facts, [fault])


def _read_report(path: Path) -> dict[str, Any]:
    """What ran, of pytest's own report."""
    cases = list(ElementTree.parse(path).iter("testcase")) if path.exists() else []
    failures, skipped = [], 0
    for case in cases:
        skipped += case.find("skipped") is not None
        broken = case.find("failure") if case.find("failure") is not None else case.find("error")
        if broken is not None:
            name = f"{case.get('classname')}::{case.get('name')}"
            failures.append({"test": name, "reason": (broken.get("message") or "")[:300]})
    return {"passed": len(cases) - skipped - len(failures), "skipped": skipped, "failures": failures}


def about(device: str) -> dict[str, Any]:
    """What was checked, and on what."""
    import torch

    import axiom_cli

    facts: dict[str, Any] = {
        "axiom": axiom_cli.__version__,
        "python": sys.version.split()[0],
        "device": {"type": device},
    }
    if device == "cuda":
        at = torch.cuda.get_device_properties(0)
        facts["device"] |= {
            "name": at.name, "memory": at.total_memory, "capability": f"{at.major}.{at.minor}",
            "cuda": torch.version.cuda, "bfloat16": torch.cuda.is_bf16_supported(including_emulation=False),
        }  # fmt: skip
    return {**facts, "versions": {name: metadata.version(name) for name in VERSIONS if find_spec(name)}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("device_check.json"))
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=300.0, help="at most")
    parser.add_argument("--small", action="store_true", help="little of everything, to try the check itself")
    parser.add_argument("--model", default="", help="a pretrained model: a folder or a .gguf file")
    parser.add_argument("--tests", default=",".join(TESTS), help="files of tests, comma-separated; none for no tests")
    arguments = parser.parse_args()
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"error: not installed here: {', '.join(missing)}\nhint: sh tests/device/pack.sh", file=sys.stderr)
        return 4
    if arguments.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("error: PyTorch finds no accelerator\nhint: --device cpu tries the check itself", file=sys.stderr)
        return 4
    check = Check(arguments.out.absolute(), arguments.device, arguments.seconds)
    check.facts = about(arguments.device)
    small = ["--small"] * arguments.small
    chosen = ["nano"]
    if arguments.model:
        chosen.append(arguments.model)
    else:
        check.add("pretrained", {"finished": False}, ["no model: sh tests/device/pack.sh, or --model FOLDER"])
    for model in chosen:
        name = model if model == "nano" else "pretrained"
        for stage in ("round", "speed", "loop"):
            check.run(f"{stage} {name}", stage, "--model", model, *small)
    if arguments.tests != "none":
        run_tests(check, arguments.tests.split(","))
    for line in check.problems:
        print(f"problem: {line}", file=sys.stderr)
    print(f"{'not all is well' if check.problems else 'all is well'}: {check.out}", file=sys.stderr)
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
