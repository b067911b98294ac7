"""A deterministic engine without a model, for tests, documentation and trying out a pipeline.

Its models:

    solver            writes the right solution of every problem
    solver:0.3        ... except for 3 in 10 samples, which are wrong; the seed decides which ones
    answers.json      plays {"PROBLEM ID": ["first sample", "second", ...], "*": ["for any other problem"]}
    samples.jsonl     plays the sample records in a file that `axiom solve` wrote

A script that is too short is played again from its beginning.

`write` gives the right solution: the answer or reference in the problem's record, unless the caller passes something
better, such as the solver teacher with its reasoning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

import orjson

from axiom_cli import jsonl
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.problems.answers import MARK
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine, Request, sample_random
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

SOLVER = "solver"
ANY = "*"
SCRIPT_FORMAT = 'a script is {"PROBLEM ID": ["text", ...], "*": ["text", ...]}'
Write = Callable[[Problem], "str | None"]
Script = Mapping[str, Sequence[str]]


def recorded(problem: Problem) -> str | None:
    """The solution in the problem's record: its answer, or its program's reference."""
    if problem.answer is not None:
        return f"{MARK} {problem.answer}"
    reference = problem.program.reference if problem.program else None
    return f"```python\n{reference.strip()}\n```" if reference else None


def mistaken(problem: Problem, random: Random) -> str:
    """A well-formed but wrong solution: an integer off by 1 to 9, another answer with one word too many, a program that
    raises."""
    if problem.program:
        return f"```python\ndef {problem.program.entry_point}(*args):\n    raise ValueError('a planted mistake')\n```"
    answer, off = str(problem.answer), random.randint(1, 9)
    try:
        return f"{MARK} {int(answer) + off}"
    except ValueError:
        return f"{MARK} {answer} {off}"


class ScriptedEngine(Engine):
    """Plays a script, or right solutions with planted mistakes. Its tokens are words."""

    name = "scripted"

    def __init__(
        self,
        model_name: str = SOLVER,
        config: SolveConfig | None = None,  # noqa: ARG002 - every engine is opened with these
        workspace: Workspace | None = None,  # noqa: ARG002
        write: Write = recorded,
    ) -> None:
        self._write = write
        self._script: Script | None = None
        self._errors = 0.0
        kind, _, rate = model_name.partition(":")
        if kind == SOLVER:
            self._errors = _rate(rate)
            digest = content_id([self.name, SOLVER, self._errors])
        else:
            self._script = load_script(Path(model_name))
            digest = content_id([self.name, dict(self._script)])
        self.model = ModelRef(name=model_name, digest=digest)

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """As `Engine.generate`, whatever the conversation."""
        for request in requests:
            indices = range(request.start, request.start + samples)
            yield [self._sample(request.problem, params, index) for index in indices]

    def _sample(self, problem: Problem, params: SolveConfig, index: int) -> Sample:
        text, error = self._text(problem, params.seed, index), {}
        if text is None:
            text, error = "", {"error": "the script has nothing for this problem"}
        words = text.split(" ")
        whole = len(words) <= params.max_tokens
        return self.sample(
            problem,
            params,
            index,
            text=text if whole else " ".join(words[: params.max_tokens]),
            finish="error" if error else "stop" if whole else "length",
            tokens=min(len(words), params.max_tokens),
            extra=error,
        )

    def _text(self, problem: Problem, seed: int, index: int) -> str | None:
        if self._script is not None:
            texts = self._script.get(problem.id) or self._script.get(ANY)
            return texts[index % len(texts)] if texts else None
        random = sample_random(seed, problem, index)
        if random.random() < self._errors:
            return mistaken(problem, random)
        return self._write(problem)

    def close(self) -> None:
        """Nothing to free."""


def _rate(text: str) -> float:
    try:
        rate = float(text or 0)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise UsageError(f"{text!r} is not an error rate", "write solver:0.3 for 3 wrong samples in 10")
    return rate


def load_script(path: Path) -> Script:
    """Problem id -> texts, from a `.json` script or a `.jsonl` file of samples. Raises MissingError or InputError."""
    if not path.is_file():
        hint = "the scripted engine's --model is solver, solver:RATE, or a script: FILE.json, FILE.jsonl"
        raise MissingError(f"there is no script {path}", hint)
    if path.suffix == ".jsonl":
        texts = defaultdict(list)
        for sample in jsonl.load(path, Sample):
            texts[sample.problem.id].append(sample.text)
        return texts
    try:
        script = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON: {error}", SCRIPT_FORMAT) from None
    if not isinstance(script, dict) or not all(
        isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts) for texts in script.values()
    ):
        raise InputError(f"{path} is not a script", SCRIPT_FORMAT)
    return script
