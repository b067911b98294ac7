"""What has ended when a run is interrupted is kept, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import tiny
from axiom_cli import interruption
from axiom_cli.models import worker_pool
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines import continuous_batching
from axiom_cli.sampling.engines.continuous_batching import batch_invariant
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

CONFIG = SolveConfig(samples=4, temperature=1.0, max_tokens=40, seed=3)
PROBLEMS = list(draw.problems(["arithmetic"], 6, [1], "train", 0))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TransformersEngine]:
    """A tiny model that is taken for a large one."""
    monkeypatch.setattr(worker_pool, "SMALL_MODEL_BYTES", 0)
    made = TransformersEngine(str(tiny.write_model(tmp_path / "model")))
    yield made
    made.close()


def interrupt(step: int) -> Callable[[int], None]:
    """Ctrl-C in the middle of a step."""

    def hook(made: int) -> None:
        if made == step:
            raise KeyboardInterrupt

    return hook


@contextmanager
def before_each_step(hook: Callable[[int], None]) -> Iterator[None]:
    """Calls `hook` with the steps so far whenever the rows in the slots are about to get a token."""
    steps, draw_tokens = count(1), continuous_batching.sample_tokens

    def hooked(*values: Any) -> Any:
        hook(next(steps))
        return draw_tokens(*values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(continuous_batching, "sample_tokens", hooked)
        yield


@pytest.mark.skipif(not batch_invariant(), reason="this processor's products depend on the number of rows")
@pytest.mark.parametrize("more", [{}, {"max_think_tokens": 12}], ids=["plain", "thinking"])
def test_what_has_ended_is_kept_and_the_rest_is_the_same_to_the_byte(
    engine: TransformersEngine, more: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, **more)
    workspace = Workspace.create(tmp_path / ".axiom")
    unbroken = list(solve(PROBLEMS, engine, config))
    asked, ended, stream = [], [], engine.stream

    def counting(problems: Sequence[Problem], *rest: Any) -> Iterator[tuple[int, Sample]]:
        asked.append(len(problems))
        for place, sample in stream(problems, *rest):
            ended.append(place)
            yield place, sample

    monkeypatch.setattr(engine, "stream", counting)
    with before_each_step(interrupt(38)), pytest.raises(KeyboardInterrupt):
        list(solve(PROBLEMS, engine, config, workspace))
    kept = len(ended)
    assert 0 < kept < len(unbroken)
    assert list(solve(PROBLEMS, engine, config, workspace)) == unbroken
    assert asked == [len(unbroken), len(unbroken) - kept]


def test_more_samples_go_on_from_those_there_are(engine: TransformersEngine, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    few = list(solve(PROBLEMS[:2], engine, replace(CONFIG, samples=2), workspace))
    more = list(solve(PROBLEMS[:2], engine, CONFIG, workspace))
    assert [sample for sample in more if sample.index < 2] == few


def test_every_sample_is_told_of_as_it_ends(engine: TransformersEngine) -> None:
    steps, told = [0], []
    usage = Usage(on_samples=lambda samples: told.extend((steps[-1], sample) for sample in samples))
    with before_each_step(steps.append):
        samples = list(solve(PROBLEMS, engine, CONFIG, usage=usage))
    assert sorted(map(repr, samples)) == sorted(repr(sample) for _, sample in told)
    assert told[0][0] < told[-1][0] and [at for at, _ in told] == sorted(at for at, _ in told)


@pytest.mark.skipif(not batch_invariant(), reason="this processor's products depend on the number of rows")
def test_of_a_small_models_batch_all_that_has_ended_is_kept_too(tmp_path: Path) -> None:
    """Whole problems have a receipt each; of those that are not whole, each sample has one."""
    small = TransformersEngine(str(tiny.write_model(tmp_path / "model")))
    whole = list(solve(PROBLEMS, small, CONFIG))
    for step in (3, 20, 38):
        workspace, recalled = Workspace.create(tmp_path / f"kept{step}"), []
        interruption.forget()
        with before_each_step(interrupt(step)), pytest.raises(KeyboardInterrupt):
            list(solve(PROBLEMS, small, CONFIG, workspace))
        kept = interruption.kept()
        done = sum(sample.tokens < step - 8 for sample in whole)
        assert list(solve(PROBLEMS, small, CONFIG, workspace, usage=Usage(on_recalled=recalled.append))) == whole
        assert sum(recalled) >= done and kept == plural(sum(recalled), "sample") * bool(recalled)
        again = Usage(on_recalled=recalled.append)
        assert list(solve(PROBLEMS, small, CONFIG, workspace, usage=again)) == whole
        assert recalled[-1] == len(whole)
    assert recalled[0] % 4, "half a problem was kept"
    small.close()
