"""An engine that remembers: what it wrote once for the same request is read back, and all that it hands on is counted.

So a search that was killed is run again: it asks the same questions in the same order, is given what was written, and
goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from axiom_cli.errors import MissingError
from axiom_cli.ids import content_id
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines import Engine, Messages, sampling_params
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

VERSION = 3
SAVE_EVERY = 5.0
"""Seconds of work that a killed run may lose, beside what the engine has not handed out yet."""


Watch = Callable[[Sequence[Sample]], None]


@dataclass
class Spent:
    """What a search has cost so far, samples that were remembered included, and what came of it. `failed` samples
    finished with `error`, the first of them for the reason `why`; `cut` ones at their length limit. `watch` is told of
    new samples as soon as they are there, maybe in another thread."""

    problems: int = 0
    solved: int = 0
    samples: int = 0
    tokens: int = 0
    failed: int = 0
    cut: int = 0
    why: str = ""
    watch: Watch = field(default=lambda samples: None, compare=False, repr=False)

    def add(self, samples: Sequence[Sample]) -> None:
        """Counts samples that are handed on."""
        self.samples += len(samples)
        for sample in samples:
            self.tokens += sample.tokens
            self.cut += sample.finish == "length"
            if sample.finish == "error":
                self.failed += 1
                self.why = self.why or str(sample.extra.get("error", ""))


@dataclass(frozen=True)
class Request:
    """What a list of samples is asked for with: its problem, the index of its first sample, a conversation or None."""

    problem: Problem
    start: int
    told: Messages | None

    def recipe(self, engine: Engine, params: SolveConfig, samples: int) -> dict[str, Any]:
        """What these samples are made from."""
        told = {} if self.told is None else {"messages": content_id([dict(one) for one in self.told])}
        inputs = {"problem": _identity(self.problem), "model": engine.model.digest, **told}
        return _recipe(engine, params, {"samples": samples, "start": self.start}, inputs)


def _identity(problem: Problem) -> str:
    return content_id(replace(problem, extra={}).to_dict())


def _recipe(engine: Engine, params: SolveConfig, more: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    settings = {**more, **sampling_params(params), "engine": engine.name}
    return {"stage": "solve", "version": VERSION, "config": settings, "inputs": inputs}


Made = tuple[dict[str, Any], list[Sample]]
"""A recipe and the samples that it gave."""


class Saving:
    """Saves what was made every few seconds. What cannot be saved on the way is tried again at the end, when every
    sample has been handed on."""

    def __init__(self, save: Callable[[Sequence[Made]], None]) -> None:
        self._save, self._unsaved, self._last = save, [], time.monotonic()

    def add(self, recipe: dict[str, Any], samples: list[Sample]) -> None:
        """Takes it down, and saves if it is time."""
        self._unsaved.append((recipe, samples))
        if time.monotonic() - self._last > SAVE_EVERY:
            self._last = time.monotonic()
            with suppress(MissingError):
                self._save(self._unsaved)
                self._unsaved = []

    def rest(self) -> None:
        """Saves what is left. Raises MissingError where it cannot."""
        self._save(self._unsaved)


class Remembered:
    """An `Engine` over another one and a workspace, or none.

    An engine whose samples take long, or may be paid for, hands them on as they arrive: they are remembered one by one.
    Of others, one that computes its problems together gives samples that depend on each other by rounding: its requests
    are remembered and made again as a whole, so that going on gives what one go would have given.
    """

    def __init__(self, engine: Engine, workspace: Workspace | None, spent: Spent | None = None) -> None:
        self._engine, self._workspace, self.spent = engine, workspace, spent or Spent()
        self.name = engine.name

    @property
    def model(self) -> ModelRef:
        """Whose samples these are."""
        return self._engine.model

    def at_once(self, config: SolveConfig) -> int:
        """As `engines.at_once`."""
        return engines.at_once(self._engine, config)

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. Raises ValueError where the engine does not keep the order of the problems."""
        asked = list(map(Request, problems, starts or [0] * len(problems), messages or [None] * len(problems)))
        make = self._whole if getattr(self._engine, "together", False) else self._each
        if engines.keeps_singly(self._engine):
            make = self._singly
        for group in make(asked, params, samples):
            self.spent.add(group)
            yield group

    def close(self) -> None:
        """The engine is closed by who opened it."""

    def _written(self, asked: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        starts, told = [one.start for one in asked], [one.told for one in asked]
        made = self._engine.generate([one.problem for one in asked], params, samples, starts, told)
        for request, group in zip(asked, made, strict=True):
            if [(sample.problem, sample.index) for sample in group] != [
                (request.problem, request.start + copy) for copy in range(samples)
            ]:
                raise ValueError(f"engine {self.name} does not keep the order of the problems")
            self.spent.watch(group)
            yield group

    def _each(self, asked: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """Each request for itself, remembered every few seconds and whenever the reader or the user stops us."""
        recipes = [one.recipe(self._engine, params, samples) for one in asked]
        known = [self._recall(recipe) for recipe in recipes]
        new = [one for one, group in zip(asked, known, strict=True) if group is None]
        fresh, saving = self._written(new, params, samples), Saving(self._save)
        try:
            for request, recipe, group in zip(asked, recipes, known, strict=True):
                if group is not None:
                    yield [replace(sample, problem=request.problem) for sample in group]
                    continue
                saving.add(recipe, group := next(fresh))
                yield group
        finally:
            try:
                fresh.close()
            finally:
                saving.rest()

    def _singly(self, asked: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """Each sample for itself, remembered every few seconds in whatever order they come."""
        single = [Request(one.problem, one.start + copy, one.told) for one in asked for copy in range(samples)]
        recipes = [one.recipe(self._engine, params, 1) for one in single]
        there = {place: found[0] for place, recipe in enumerate(recipes) if (found := self._recall(recipe))}
        new = [place for place in range(len(single)) if place not in there]
        arriving, saving = self._arriving([single[place] for place in new], params), Saving(self._save)
        try:
            for first in range(0, len(single), samples):
                group = range(first, first + samples)
                for place in group:
                    while place not in there:
                        number, sample = next(arriving)
                        there[new[number]] = sample
                        saving.add(recipes[new[number]], [sample])
                        self.spent.watch([sample])
                yield [replace(there.pop(place), problem=single[place].problem) for place in group]
        finally:
            try:
                arriving.close()
            finally:
                saving.rest()

    def _arriving(self, asked: Sequence[Request], params: SolveConfig) -> Iterator[tuple[int, Sample]]:
        starts, told = [one.start for one in asked], [one.told for one in asked]
        return self._engine.arriving([one.problem for one in asked], params, 1, starts, told)

    def _whole(self, asked: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """All requests in one: remembered as soon as they are written, or where that fails when they were handed on."""
        if not asked:
            return
        batch = [one.recipe(self._engine, params, samples)["inputs"] | {"start": one.start} for one in asked]
        inputs = {"model": self.model.digest, "problems": content_id(batch)}
        recipe = _recipe(self._engine, params, {"samples": samples}, inputs)
        flat = self._recall(recipe)
        unsaved = flat is None
        if flat is None:
            flat = [sample for group in self._written(asked, params, samples) for sample in group]
            with suppress(MissingError):
                self._save([(recipe, flat)])
                unsaved = False
        for place, request in enumerate(asked):
            group = flat[place * samples : (place + 1) * samples]
            yield [replace(sample, problem=request.problem) for sample in group]
        if unsaved:
            self._save([(recipe, flat)])

    def _recall(self, recipe: dict[str, Any]) -> list[Sample] | None:
        receipt = self._workspace.recall(recipe) if self._workspace else None
        return list(self._workspace.get_records(receipt["samples"], Sample)) if receipt else None

    def _save(self, made: Sequence[Made]) -> None:
        """Remembers what is whole: where a completion could not be had, that is tried again next time."""
        whole = [(recipe, group) for recipe, group in made if group and all(s.finish != "error" for s in group)]
        if self._workspace is None or not whole:
            return
        with self._workspace.writer():
            kept = [(recipe, {"samples": self._workspace.put_records(group)}) for recipe, group in whole]
            self._workspace.record(kept)
