"""Tokens a second of the `transformers` engine beside the library's own `generate` and vLLM, in one run. By hand:

    PYTHONPATH=. python tests/benchmarks/solve.py [--model nano] [--families register_machine,robot_walk]
        [--levels 1-10] [--problems 1000] [--samples 1] [--temperature 0.5] [--max-tokens 768] [--dtype float32]
        [--batches 64,256] [--rounds 2] [--vllm PYTHON]

All sample the same problems, up to the same number of tokens; tokens after the end are not counted. The defaults are
those of a round of `axiom loop`. `a processor second` counts this process and those it waited for, whatever else the
machine does. `generate` gets batches of prompts sorted by length, of each of the sizes, and the best size counts. vLLM
runs in an interpreter of its own, where it is installed: one call for all prompts, prefix caching on. The rounds
alternate, each figure is the best of them, and the ratios are what counts. `peak` is the share of what one product of
two matrices of this type reaches in the same run, at 2 operations a parameter and token; reading the prompts is left
out of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from axiom_cli import models
from axiom_cli.problems.answers import messages
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem
from axiom_cli.sampling import prompts
from axiom_cli.settings.configs import SolveConfig

FAMILIES, LEVELS = "register_machine,robot_walk,queue_listing", "1-10"
SHARED = ("model", "families", "levels", "problems", "samples", "temperature", "dtype")
"""Options that vLLM's process gets too."""
VLLM_ROOM = 2
"""Gibibytes for vLLM's keys and values."""


def drawn(count: int, families: str = FAMILIES, levels: str = LEVELS) -> list[Problem]:
    """As many problems of every family and level, `count` in all."""
    cells = [(name, level) for level in draw.parse_levels(levels) for name in families.split(",")]
    each = -(-count // len(cells))
    problems = [p for name, level in cells for p in islice(draw.stream(name, level, "train", 7, "answer"), each)]
    return problems[:count]


def ours(model: str, problems: list[Problem], config: SolveConfig) -> Callable[[], int]:
    """Tokens that the engine writes."""
    from axiom_cli.sampling.engines.transformers import TransformersEngine
    from axiom_cli.sampling.solve import solve

    engine = TransformersEngine(model, config)
    return lambda: sum(sample.tokens for sample in solve(problems, engine, config))


def theirs(model: str, problems: list[Problem], config: SolveConfig, size: int) -> Callable[[], int]:
    """Tokens that `generate` writes, padding not counted."""
    import torch

    from axiom_cli.models.loading import load_for_sampling
    from axiom_cli.sampling.token_ids import end_ids

    loaded, tokenizer = load_for_sampling(models.resolve(model).path, config.dtype)
    ends = torch.tensor(end_ids(tokenizer, loaded.generation_config), device=loaded.device)
    prompt_ids = [prompts.conversation_ids(tokenizer, messages(problem)) for problem in problems]
    prompt_ids = sorted((ids for ids in prompt_ids for _ in range(config.samples)), key=len)

    def write() -> int:
        return sum(
            generated(loaded, prompt_ids[at : at + size], ends, config) for at in range(0, len(prompt_ids), size)
        )

    return write


def generated(model, batch, ends, config: SolveConfig) -> int:
    """Tokens that one call of `generate` writes up to each row's end."""
    import torch

    width, pad = max(map(len, batch)), int(ends[0])
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in batch], device=model.device)
    real = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch], device=model.device)
    with torch.inference_mode():
        out = model.generate(
            ids,
            attention_mask=real,
            do_sample=True,
            temperature=config.temperature,
            top_k=0,
            max_new_tokens=config.max_tokens,
            eos_token_id=ends.tolist(),
            pad_token_id=pad,
        )[:, width:]
    before_end = torch.isin(out, ends).cumsum(-1) == 0
    return int((before_end.sum(-1) + 1).clamp(max=out.shape[1]).sum())


def vllms(python: str, options: argparse.Namespace) -> Callable[[], int]:
    """Tokens that vLLM writes, each time it is told to, in a process of its own that stays."""
    said = [f"--{name}={getattr(options, name)}" for name in SHARED]
    command = [python, __file__, "--serve-vllm", *said, f"--max-tokens={options.max_tokens}"]
    room = {"VLLM_CPU_KVCACHE_SPACE": str(VLLM_ROOM), "VLLM_LOGGING_LEVEL": "ERROR"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **room}
    )

    def answer() -> dict[str, int]:
        return json.loads(next(line for line in child.stdout if line.startswith('{"tokens"')))

    answer()

    def write() -> int:
        child.stdin.write("\n")
        child.stdin.flush()
        return answer()["tokens"]

    return write


def serve_vllm(options: argparse.Namespace) -> None:
    """For every line of stdin, samples all problems with vLLM and prints how many tokens that were."""
    import vllm

    path = models.resolve(options.model).path
    model = vllm.LLM(str(path), dtype=options.dtype, enforce_eager=True, enable_prefix_caching=True, max_model_len=1024)
    tokenizer = model.get_tokenizer()
    problems = drawn(options.problems, options.families, options.levels)
    prompt_ids = [prompts.conversation_ids(tokenizer, messages(problem)) for problem in problems]
    settings = vllm.SamplingParams(temperature=options.temperature, max_tokens=options.max_tokens, n=options.samples)
    print(json.dumps({"tokens": 0}), flush=True)
    for _ in sys.stdin:
        model.reset_prefix_cache()
        results = model.generate([{"prompt_token_ids": ids} for ids in prompt_ids], settings, use_tqdm=False)
        tokens = sum(len(output.token_ids) for result in results for output in result.outputs)
        print(json.dumps({"tokens": tokens}), flush=True)


def peak(dtype: str) -> float:
    """Operations a second of a product of two square matrices."""
    import torch

    matrix = torch.randn(2048, 2048).to(getattr(torch, dtype))

    def seconds() -> float:
        start = time.perf_counter()
        matrix @ matrix
        return time.perf_counter() - start

    return 2 * 2048**3 / min(seconds() for _ in range(20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--levels", default=LEVELS)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--max-tokens", type=int, default=768)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batches", default="64,256")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--vllm", default="", metavar="PYTHON")
    parser.add_argument("--serve-vllm", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_vllm:
        serve_vllm(options)
        return
    compare(options)


def compare(options: argparse.Namespace) -> None:
    """Prints the table."""
    problems = drawn(options.problems, options.families, options.levels)
    config = SolveConfig(
        samples=options.samples,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        dtype=options.dtype,
    )
    ways = {"axiom": ours(options.model, problems, config)}
    for size in map(int, options.batches.split(",")):
        ways[f"generate, {size}"] = theirs(options.model, problems, config, size)
    if options.vllm:
        ways["vllm"] = vllms(options.vllm, options)
    best, highest = dict.fromkeys(ways, 0.0), peak(options.dtype)
    for _ in range(options.rounds):
        for name, write in ways.items():
            start, busy = time.perf_counter(), processor_seconds()
            tokens = write()
            rate, busy = tokens / (time.perf_counter() - start), processor_seconds() - busy
            best[name] = max(best[name], rate)
            said = f"{tokens:,} tokens, {rate:,.0f}/s, {tokens / busy:,.0f} a processor second"
            print(f"  {name}: {said}", file=sys.stderr)
    parameters = weights(models.resolve(options.model).path)
    print(f"{options.model}, {options.dtype}: {highest / 1e9:,.0f} G operations/s at best, {parameters:,} parameters")
    for name, rate in best.items():
        share = 2 * parameters * rate / highest
        print(f"{name:16}{rate:10,.0f} tokens/s  axiom is {best['axiom'] / rate:5.2f} x   peak {share:6.1%}")


def processor_seconds() -> float:
    """Of this process and the processes that it has waited for."""
    return sum(os.times()[:4])


def weights(path: Path) -> int:
    """Parameters of a model."""
    from axiom_cli.models.loading import load_for_sampling

    return sum(parameter.numel() for parameter in load_for_sampling(path, "float32")[0].parameters())


if __name__ == "__main__":
    main()
