"""Tokens a second of the `transformers` engine beside the library's own `generate`, in one run. By hand:

    PYTHONPATH=. python tests/benchmarks/sampling.py [--model nano] [--problems 1000] [--batch 256] [--rounds 2]

Both sample once at each of the same problems at T = 0.8, up to the same number of tokens; `generate` gets batches of
`--batch` prompts sorted by length. The rounds alternate, each figure is the best of them, and the ratio is what counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch

from axiom_cli import models, prompts
from axiom_cli.answers import messages
from axiom_cli.configs import SolveConfig
from axiom_cli.engines.loading import eos_ids, load
from axiom_cli.engines.transformers import TransformersEngine
from axiom_cli.families import draw
from axiom_cli.models.nano.recipe import FAMILIES
from axiom_cli.records import Problem
from axiom_cli.stages.solve import solve

LEVELS = range(3, 8)


def drawn(count: int) -> list[Problem]:
    """As many problems of every family and level."""
    each = max(1, count // (len(FAMILIES) * len(LEVELS)))
    cells = [(name, level) for level in LEVELS for name in FAMILIES]
    return [p for name, level in cells for p in islice(draw.stream(name, level, "train", 7, "answer"), each)]


def ours(model: str, problems: list[Problem], config: SolveConfig) -> Callable[[], int]:
    """Tokens that the engine writes."""
    engine = TransformersEngine(model, config)
    return lambda: sum(sample.tokens for sample in solve(problems, engine, config))


def theirs(name: str, problems: list[Problem], config: SolveConfig, size: int) -> Callable[[], int]:
    """Tokens that `generate` writes, padding not counted."""
    model, tokenizer = load(models.resolve(name).path)
    ends = torch.tensor(eos_ids(model, tokenizer))
    asked = sorted((prompts.conversation_ids(tokenizer, messages(problem)) for problem in problems), key=len)

    def batches() -> Iterator[Sequence[list[int]]]:
        for start in range(0, len(asked), size):
            yield asked[start : start + size]

    def write() -> int:
        return sum(_generated(model, batch, ends, config) for batch in batches())

    return write


@torch.inference_mode()
def _generated(model: torch.nn.Module, batch: Sequence[list[int]], ends: torch.Tensor, config: SolveConfig) -> int:
    width, pad = max(map(len, batch)), int(ends[0])
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in batch])
    real = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch])
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=192)
    options = parser.parse_args()
    problems = drawn(options.problems)
    config = SolveConfig(samples=1, temperature=0.8, max_tokens=options.max_tokens)
    ways = {
        "generate": theirs(options.model, problems, config, options.batch),
        "axiom": ours(options.model, problems, config),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(options.rounds):
        for name, write in ways.items():
            start = time.perf_counter()
            tokens = write()
            best[name] = max(best[name], tokens / (time.perf_counter() - start))
    for name, rate in best.items():
        print(f"{name:10}{rate:10.0f} tokens/s  {rate / best['generate']:.2f}x")


if __name__ == "__main__":
    main()
