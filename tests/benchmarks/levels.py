"""How hard each level of each family is for a reference model: docs/levels.json, which the gallery shows. By hand:

    PYTHONPATH=. python tests/benchmarks/levels.py FOLDER [--families a,b] [--form answer] [--each 200] [--seed 0]

The reference of a family is nano, taught that family alone: it reads the solver-teacher's verified solutions, `--each`
of every level, so that no level is harder for being rarer. Its words are the family's own (a tokenizer of 1,024 pieces
is learnt from the same solutions), and each piece begins as the mean of nano's embeddings of what it is made of. It is
then asked for `--problems` of each level of the test split, greedily, and its answers and programs are verified. Five
passes of 2,000 solutions are two to six minutes of one core; a model that lies in FOLDER already is not trained again.

nano has copied digits all its life, but no letters, and 2,000 solutions do not teach it that. So the families in SPELT
begin from one model that has read solutions of fifteen of them, 150 of every level, and spells what is not a frequent
word. It is made once, in half an hour of one core; two more passes over a family's own 2,000 follow.

A row is what `axiom problems calibrate` makes of the verdicts: it *rises* where a higher level is solved significantly
more often than a lower one, and *falls* where none is and the trend over all levels is down.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.problems import families
from axiom_cli.problems.difficulty import calibrate
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import LEVELS
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.coldstart import coldstart
from axiom_cli.settings.configs import ColdstartConfig, SolveConfig, TrainConfig, VerifyConfig

MEASURED = Path(__file__).parents[2] / "docs" / "levels.json"
SEED = 31_000
VOCABULARY, LONGEST = 1024, 1536
"""In tokens."""
CONFIG = TrainConfig(
    method="full", optimizer="muon", weight_decay=0.1, grad_accum=1, lr=0.01, batch_size=32, epochs=5, warmup=0.05
)
SPELT = (
    *("rewriting", "anagrams", "automaton", "cipher", "boolean", "knights", "syllogisms", "shortest_path"),
    *("topological", "colouring", "state_machine", "calendar", "clock", "text_parsing", "code_output"),
    "string_programs",
)
SPELLER = replace(CONFIG, lr=0.007, batch_size=8, epochs=2)
FREQUENT = 0.03
"""The share of a family's solutions that name a word which is not spelt."""


def problems(name: str, level: int, split: str, form: str, count: int) -> Iterator[Problem]:
    """The first `count` problems of a family's level, or all that there are."""
    try:
        yield from islice(draw.stream(name, level, split, SEED, form), count)
    except NothingToDoError:
        return


def taught(name: str, form: str, each: int) -> list[Sample]:
    """The teacher's verified solutions, `each` of every level."""
    training = (problem for level in LEVELS for problem in problems(name, level, "train", form, each))
    return [verdict.sample for verdict in coldstart(training, ColdstartConfig())]


def texts(samples: Sequence[Sample]) -> list[str]:
    return [f"{sample.problem.prompt}\n{sample.text}" for sample in samples]


def reference(folder: Path, name: str, form: str, each: int, seed: int) -> Path:
    """The family's reference model in `folder`, made if it is not there yet."""
    from axiom_cli.models.loading import load_model, load_tokenizer
    from axiom_cli.models.nano.recipe import new_tokenizer

    out = folder / f"{name}-{form}"
    if (out / "config.json").exists():
        return out
    samples = taught(name, form, each)
    if name in SPELT:
        base = speller(folder)
        train(out, load_model(base), load_tokenizer(base), samples, replace(SPELLER, seed=seed))
    else:
        tokenizer = new_tokenizer(texts(samples), VOCABULARY)
        train(out, transplanted(tokenizer), tokenizer, samples, replace(CONFIG, seed=seed))
    return out


def speller(folder: Path, each: int = 150) -> Path:
    """The model from which the families in SPELT begin, made if it is not in `folder` yet."""
    from axiom_cli.models.nano.recipe import new_tokenizer

    out = folder / "speller"
    if (out / "config.json").exists():
        return out
    by_family = [taught(name, "answer", each) for name in SPELT if "answer" in families.get(name).forms]
    tokenizer = new_tokenizer((text for samples in by_family for text in frequent_words(texts(samples))), VOCABULARY)
    train(out, transplanted(tokenizer), tokenizer, [s for samples in by_family for s in samples], SPELLER)
    return out


def frequent_words(texts: Sequence[str]) -> Iterator[str]:
    """The texts without their rarer words: what a tokenizer learns of them it spells."""
    seen = Counter(word for text in texts for word in set(re.findall("[A-Za-z]+", text)))
    for text in texts:
        yield re.sub("[A-Za-z]+", lambda word: word[0] if seen[word[0]] >= FREQUENT * len(texts) else "", text)


def train(out: Path, model: Any, tokenizer: Any, samples: Sequence[Sample], config: TrainConfig) -> None:
    """Trains all of a model's weights on the samples, and writes it to `out`."""
    from axiom_cli.learning.training.fit import fit
    from axiom_cli.learning.training.rows import encode
    from axiom_cli.sampling.token_ids import end_ids

    rows = encode(
        ((sample, 1.0) for sample in samples), tokenizer, end_ids(tokenizer, model.generation_config), LONGEST
    ).rows
    fit(model, rows, config, every_hundredth)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def every_hundredth(progress: Any) -> None:
    if progress.step % 100 == 0:
        print(f"{progress.step} of {progress.steps}, loss {progress.loss:.2f}", file=sys.stderr)


def transplanted(tokenizer: Any) -> Any:
    """nano's layers under another vocabulary: a piece that nano lacks begins as the mean of nano's own pieces of it."""
    import torch

    from axiom_cli.models.loading import load_model, load_tokenizer
    from axiom_cli.models.nano.recipe import SHAPE, new_model

    path = models.resolve("nano").path
    old, words = load_model(path), load_tokenizer(path)
    new = new_model(tokenizer, SHAPE, SEED)
    old_VH = old.get_input_embeddings().weight.data
    new_VH = torch.zeros_like(new.get_input_embeddings().weight)
    for piece in range(len(tokenizer)):
        text = tokenizer.decode([piece])
        ids = words(text, add_special_tokens=False)["input_ids"] or [words.eos_token_id]
        new_VH[piece] = old_VH[ids].mean(0)
    state = {name: value for name, value in old.state_dict().items() if "embed" not in name and "lm_head" not in name}
    new.load_state_dict(state, strict=False)
    new.get_input_embeddings().weight.data.copy_(new_VH)
    return new


def answered(path: Path, name: str, form: str, count: int) -> Iterator[Verdict]:
    """Greedy answers to `count` test problems of each level, verified."""
    from axiom_cli.sampling.engines.transformers import TransformersEngine
    from axiom_cli.sampling.solve import solve
    from axiom_cli.verification.verify import verify

    config = SolveConfig(samples=1, temperature=0, max_tokens=1024)
    held_out = [problem for level in LEVELS for problem in problems(name, level, "test", form, count)]
    return verify(solve(held_out, TransformersEngine(str(path), config), config), VerifyConfig())


def measure(folder: Path, name: str, form: str, each: int, count: int, seed: int) -> dict[str, Any]:
    """A family's row: for each level its first problem of all, by which one sees whether it is still the same, the
    share that was solved, and what follows."""
    path = reference(folder, name, form, each, seed)
    (calibration,) = calibrate(answered(path, name, form, count))
    return {
        "each": min(level["problems"] for level in calibration["levels"]),
        "first": [next(draw.stream(name, level, "train", 0, form)).id for level in LEVELS],
        "rates": [round(level["rate"], 3) for level in calibration["levels"]],
        "finding": calibration["finding"],
        "rises": [[rise["from"], rise["to"]] for rise in calibration["rises"]],
    }


def keep(file: Path, name: str, form: str, row: dict[str, Any]) -> None:
    """Writes one row among the others, in the order of the families' table, a line each."""
    rows = json.loads(file.read_text("utf-8")) if file.exists() else {}
    rows[f"{name} {form}"] = row
    order = [f"{name} {form}" for name in families.BUILT_IN for form in families.get(name).forms]
    lines = [f"{json.dumps(key)}: {json.dumps(rows[key])}" for key in order if key in rows]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def main(folder: Path, names: Sequence[str], form: str, each: int, count: int, seed: int) -> None:
    """Puts the families' rows into docs/levels.json, one as soon as it is known. The other rows stay as they are."""
    for name in names or [name for name in families.BUILT_IN if form in families.get(name).forms]:
        start = time.monotonic()
        row = measure(folder, name, form, each, count, seed)
        keep(MEASURED, name, form, row)
        print(f"{name} {form} {row['finding']} {row['rates']} {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--families", default="")
    parser.add_argument("--form", default="answer", choices=["answer", "program"])
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    arguments = parser.parse_args()
    names = [name for name in arguments.families.split(",") if name]
    main(arguments.folder, names, arguments.form, arguments.each, arguments.problems, arguments.seed)
