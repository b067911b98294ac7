"""An engine that remembers: what it sampled once for the same request is read back, and all that it returns is counted.

A search that was killed is resumed by running it again: it makes the same requests in the same order, gets back what
was sampled, and continues where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from axiom_cli import interruption
from axiom_cli.errors import MissingError
from axiom_cli.ids import content_id
from axiom_cli.records import Sample
from axiom_cli.sampling.engines.chat_answers import DECLINED
from axiom_cli.sampling.engines.protocol import Engine, EngineInFront, Request, sampling_params
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

VERSION = 3
SAVE_EVERY = 5.0
"""Seconds of work that a killed run may lose, beside what the engine has not returned yet."""


@dataclass
class Usage:
    """What a search has cost so far, cached samples included, and what came of it.

    `failed` samples have finish `error`, the first one for the reason `first_error`; `truncated` ones have finish
    `length`. `on_samples` is called with new samples as soon as they are there, `on_recalled` with the number of those
    that the cache has.
    """

    problems: int = 0
    solved: int = 0
    samples: int = 0
    tokens: int = 0
    failed: int = 0
    truncated: int = 0
    first_error: str = ""
    on_samples: Callable[[Sequence[Sample]], None] | None = field(default=None, compare=False, repr=False)
    on_recalled: Callable[[int], None] | None = field(default=None, compare=False, repr=False)

    def add(self, samples: Sequence[Sample]) -> None:
        """Counts samples that are returned."""
        self.samples += len(samples)
        for sample in samples:
            self.tokens += sample.tokens
            self.truncated += sample.finish == "length"
            if sample.finish == "error":
                self.failed += 1
                self.first_error = self.first_error or str(sample.extra.get("error", ""))


@dataclass
class Unit:
    """What is cached under one recipe: the samples at these places of a request, once all of them are there. Of a unit
    that was interrupted, those that were there are cached one by one, under the recipes `single`."""

    recipe: dict[str, Any]
    places: range
    single: Sequence[dict[str, Any]] = ()
    missing: int = 0


class CachedEngine(EngineInFront):
    """An engine in front of another one, with a workspace as its cache, or none.

    What is cached under one recipe depends on the engine. One that streams has a recipe for each sample, one whose
    samples depend on their batch has one for the whole request, so that resuming gives what an uninterrupted run would
    have given, and any other has one for each problem. What is there of a problem when the run is interrupted has a
    recipe for each sample, as if that alone had been asked for.
    """

    def __init__(
        self,
        engine: Engine,
        workspace: Workspace | None,
        usage: Usage | None = None,
        *,
        save_every: float | None = None,
    ) -> None:
        """What was sampled is saved every `save_every` seconds [SAVE_EVERY]; 0 saves it as it comes."""
        super().__init__(engine)
        self._save_every = SAVE_EVERY if save_every is None else save_every
        self._workspace, self._usage = workspace, usage or Usage()
        self._unsaved: list[tuple[Unit, list[Sample]]] = []
        self._saved_at = time.monotonic()
        self._per_batch = engine.batch_dependent and not engine.streams

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[list[Sample]]:
        """As `Engine.generate`. Raises ValueError if the engine returns other samples than it was asked for."""
        engine_requests, count = self._asked(requests, samples)
        units, cached = self._recall(self._units(engine_requests, params, count))
        interruption.keep("sample", len(cached))
        if cached and self._usage.on_recalled:
            self._usage.on_recalled(len(cached))
        unit_at = {place: unit for unit in units for place in unit.places}
        known = set(cached)
        stream = self._sampled(engine_requests, params, count, known)
        try:
            for number, request in enumerate(requests):
                group = range(number * samples, (number + 1) * samples)
                while any(unit_at[place].missing for place in group):
                    place, sample = next(stream)
                    cached[place] = sample
                    self._arrived(unit_at[place], cached)
                own = [cached.pop(place) for place in group]
                # A cached problem may differ from the one asked for in fields outside its identity.
                own = [s if s.problem is request.problem else replace(s, problem=request.problem) for s in own]
                self._usage.add(own)
                yield own
        finally:
            try:
                stream.close()
            finally:
                fresh = cached.keys() - known
                self._unsaved += [(half, [cached[place]]) for place, half in _halves(units) if place in fresh]
                self._save()

    def cached(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> list[Sample]:
        """What of these samples is in the cache already."""
        engine_requests, count = self._asked(requests, samples)
        return list(self._recall(self._units(engine_requests, params, count))[1].values())

    def _asked(self, requests: Sequence[Request], samples: int) -> tuple[Sequence[Request], int]:
        """The requests as they are made of the engine, and how many samples each is for."""
        if not self._engine.streams:
            return requests, samples
        return [replace(request, start=request.start + copy) for request in requests for copy in range(samples)], 1

    def _recall(self, units: list[Unit]) -> tuple[list[Unit], dict[int, Sample]]:
        """The units, those that are not cached with their number of missing samples, and the cached ones by place."""
        cached: dict[int, Sample] = {}
        for unit in units:
            cached.update(zip(unit.places, self._kept(unit.recipe), strict=False))
            unit.missing = sum(place not in cached for place in unit.places)
            cached.update((place, sample) for place, own in _halves([unit]) for sample in self._kept(own.recipe))
            unit.missing = sum(place not in cached for place in unit.places)
        return units, cached

    def _kept(self, recipe: Mapping[str, Any]) -> list[Sample]:
        """The samples that were cached under a recipe; none if nothing was."""
        receipt = self._workspace.recall(recipe) if self._workspace else None
        return list(self._workspace.get_records(receipt["samples"], Sample)) if self._workspace and receipt else []

    def _units(self, requests: Sequence[Request], params: SolveConfig, count: int) -> list[Unit]:
        """The recipes of these requests, and the places of their samples."""
        settings = {**sampling_params(params), "engine": self.name}

        def recipe(config: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
            return {"stage": "solve", "version": VERSION, "config": {**config, **settings}, "inputs": inputs}

        model = {"model": self.model.digest}
        if self._per_batch and requests:
            batch = [{**_inputs(request), **model, "start": request.start} for request in requests]
            whole = recipe({"samples": count}, {**model, "problems": content_id(batch)})
            return [Unit(whole, range(len(requests) * count))]
        units = []
        for number, request in enumerate(requests):
            inputs = {**_inputs(request), **model}
            whole = recipe({"samples": count, "start": request.start}, inputs)
            copies = range(request.start, request.start + count) if count > 1 else ()
            single = [recipe({"samples": 1, "start": start}, inputs) for start in copies]
            units.append(Unit(whole, range(number * count, (number + 1) * count), single))
        return units

    def _sampled(
        self, requests: Sequence[Request], params: SolveConfig, count: int, known: Set[int]
    ) -> Generator[tuple[int, Sample]]:
        """The samples that are not cached, each with its place among all of them."""
        absent = [[p for p in range(n * count, (n + 1) * count) if p not in known] for n in range(len(requests))]
        if any(0 < len(places) < count for places in absent):  # each by itself
            new = [replace(requests[p // count], start=requests[p // count].start + p % count) for p in chain(*absent)]
            places, count = list(chain(*absent)), 1
        else:
            new = [request for request, own in zip(requests, absent, strict=True) if own]
            places = list(chain(*absent))
        if not new:
            return
        stream = self._engine.stream(new, params, count)
        fresh: list[Sample] = []
        try:
            for place, sample in stream:
                request, copy = new[place // count], place % count
                if (sample.problem, sample.index) != (request.problem, request.start + copy):
                    raise ValueError(f"engine {self.name} does not keep the order of the problems")
                fresh.append(sample)
                if self._usage.on_samples and len(fresh) == count:
                    self._usage.on_samples(fresh)
                    fresh = []
                yield places[place], sample
        finally:
            stream.close()

    def _arrived(self, unit: Unit, cached: dict[int, Sample]) -> None:
        """One more sample of the unit is there. Complete units are saved every few seconds, a whole request at once."""
        unit.missing -= 1
        if unit.missing:
            return
        self._unsaved.append((unit, [cached[place] for place in unit.places]))
        if self._per_batch or time.monotonic() - self._saved_at > self._save_every:
            self._saved_at = time.monotonic()
            with suppress(MissingError):  # tried again at the end, when every sample has been returned
                self._save()

    def _save(self) -> None:
        """Saves complete units. Those with a failed sample are left out, so that it is tried again next time; an answer
        that the server declined to give was paid for, and is kept."""
        whole = [(unit, made) for unit, made in self._unsaved if all(map(_is_final, made))]
        if self._workspace is not None and whole:
            with self._workspace.writer():
                kept = [(unit.recipe, {"samples": self._workspace.put_records(made)}) for unit, made in whole]
                self._workspace.record(kept)
            interruption.keep("sample", sum(len(made) for _, made in whole))
        self._unsaved = []


def _halves(units: Sequence[Unit]) -> Iterator[tuple[int, Unit]]:
    """Each place of an unfinished unit with the recipe under which its sample alone is cached, if it may be."""
    for unit in units:
        if unit.missing and unit.single:
            for place, recipe in zip(unit.places, unit.single, strict=True):
                yield place, Unit(recipe, range(place, place + 1))


def _is_final(sample: Sample) -> bool:
    return sample.finish != "error" or DECLINED in sample.extra


def _inputs(request: Request) -> dict[str, Any]:
    """What the samples are made from, beside the model."""
    problem = content_id(replace(request.problem, extra={}).to_dict())
    if request.messages is None:
        return {"problem": problem}
    return {"problem": problem, "messages": content_id([dict(message) for message in request.messages])}
