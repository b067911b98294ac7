"""`axiom view` as a user sees it: screens driven by keys, on the files of finished and of running experiments."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.metrics import evaluate, phase_row
from command_line import axiom, environment
from made_experiment import make, problem, verdict

pytest.importorskip("textual")
from textual.widgets import DataTable, Static

from axiom_cli.viewer.app import Viewer
from axiom_cli.viewer.run_state import read_run
from axiom_cli.viewer.sample_index import SampleIndex
from axiom_cli.viewer.sample_screens import SampleScreen, SamplesScreen

HOSTILE = "[red]x[/red] \x1b]0;owned\x07 \u202egnp [@click=app.quit]y"


def driven(app: Viewer, steps: Callable[..., Awaitable[None]], width: int = 80) -> None:
    """Runs the app without a terminal, and the steps with its pilot."""

    async def go() -> None:
        async with app.run_test(size=(width, 24)) as pilot:
            await pilot.pause()
            await steps(pilot)

    asyncio.run(go())


def shown(app: Viewer) -> str:
    """All text of the screen in front: lines, and the cells of its table."""
    lines = [str(of.render()) for of in app.screen.query(Static)]
    for table in app.screen.query(DataTable):
        rows = [table.get_row_at(i) for i in range(table.row_count)]
        lines += ["  ".join(map(str, row)) for row in rows]
    return "\n".join(lines)


async def settled(app: Viewer, pilot: object) -> None:
    """Waits until what is read aside is there."""
    await app.workers.wait_for_complete()
    await pilot.pause()  # type: ignore[attr-defined]


def test_from_the_runs_to_one_sample_and_back(tmp_path: Path):
    make(tmp_path / "small", 2, 1, 3)
    app = Viewer(None, tmp_path)

    async def steps(pilot: object) -> None:
        assert "small  2/2" in shown(app)
        await pilot.press("enter")
        assert "round 2 of 2" in shown(app) and "since the start" in shown(app) and "2 *" in shown(app)
        await pilot.press("enter")
        await settled(app, pilot)
        everything = app.screen.query_one(DataTable).row_count
        await pilot.press("s", "s", "f", "l")
        rows = shown(app).splitlines()[2:]
        assert 0 < len(rows) < everything and all(row.startswith("fail  arithmetic  3") for row in rows)
        await pilot.press("enter")
        assert isinstance(app.screen, SampleScreen)
        assert "Right answer" in shown(app) and "fail" in shown(app) and "<think>" in shown(app)
        first = shown(app)
        assert first.startswith("sample 1 of ")
        await pilot.press("p", "n")
        assert shown(app).startswith("sample 2 of ") and shown(app) != first
        await pilot.press("escape")
        assert app.screen.query_one(DataTable).cursor_row == 1, "the list is where the reader came to"
        await pilot.press("t")
        await settled(app, pilot)
        assert "validation" in shown(app)
        await pilot.press("escape", "escape")
        assert "axiom view: runs" in shown(app)

    driven(app, steps)


@pytest.mark.slow
def test_a_run_that_goes_on_is_followed(tmp_path: Path):
    folder = tmp_path / "live"
    rows = list(evaluate([verdict(problem("rpn", 3, n), n < 4) for n in range(10)], "live", 0, "val", 2.0))
    jsonl.save(folder / "metrics.jsonl", rows)
    settings = {"experiment": "live", "iterations": 2, "train_size": 10, "val_size": 10, "test_size": 10}
    settings |= {"control": "", "replay": "85/5/10", "solve": {"samples": 1}}
    (folder / "config.json").write_bytes(orjson.dumps(settings))
    (folder / ".lock").write_text(f"{os.getpid()} on {platform.node()}")
    app = Viewer(read_run("live", tmp_path), tmp_path)

    async def steps(pilot: object) -> None:
        assert "round 0 of 2, running (round 1, collect)" in shown(app) and " left" in shown(app)
        more = [phase_row("live", 0, "collect", 3.0, 500, 10, 4), phase_row("live", 0, "train", 2.0, 300, 4)]
        more += evaluate([verdict(problem("rpn", 3, n), n < 8) for n in range(10)], "live", 1, "val", 2.0)
        jsonl.save(folder / "metrics.jsonl", [*rows, *more])
        jsonl.save(folder / "solutions" / "iter_0.jsonl", [{"problem_id": f"p{n % 3}"} for n in range(4)])
        await pilot.pause(1.5)
        assert "round 1 of 2, running (round 2, collect)" in shown(app)
        assert "model 1: 80.0 %" in shown(app) and "+40.0" in shown(app)
        assert "no signal from 70.0 % of the last round's problems" in shown(app)
        (folder / ".lock").unlink()
        await pilot.pause(1.5)
        assert "running" not in shown(app)

    driven(app, steps)
    left = {path.name for path in folder.iterdir()}
    assert left == {"metrics.jsonl", "config.json", "solutions"}, "looking leaves nothing behind"


@pytest.mark.slow
def test_the_list_of_runs_is_live_and_names_what_is_damaged(tmp_path: Path):
    make(tmp_path / "first", 1, 1, 2)
    app = Viewer(None, tmp_path)

    async def steps(pilot: object) -> None:
        assert "first  1/1" in shown(app)
        make(tmp_path / "second", 1, 1, 3)
        metrics = tmp_path / "first" / "metrics.jsonl"
        metrics.write_text(metrics.read_text().replace('"rate":', '"rate":"', 1))
        await pilot.pause(1.5)
        assert "second  2/2" in shown(app) and "metrics.jsonl: line 1: not JSON" in shown(app)
        metrics.write_text(metrics.read_text().replace('"rate":"', '"rate":', 1)[:-40])
        await pilot.pause(1.5)
        assert "first  1/1" in shown(app), "a last line may be unfinished"
        (tmp_path / "second" / "metrics.jsonl").unlink()
        await pilot.pause(1.5)
        assert "second" not in shown(app)

    driven(app, steps)


@pytest.mark.slow
def test_a_run_that_can_no_longer_be_read_stays_as_it_was(tmp_path: Path):
    folder = make(tmp_path / "small", 1, 1, 2)
    app = Viewer(read_run("small", tmp_path), tmp_path)

    async def steps(pilot: object) -> None:
        (folder / "config.json").write_text("{")
        (folder / "metrics.jsonl").write_bytes((folder / "metrics.jsonl").read_bytes() + b"\n")
        await pilot.pause(1.5)
        assert "cannot be read now" in shown(app) and "round 1 of 1" in shown(app)

    driven(app, steps)


@pytest.mark.parametrize("settings", [{"iterations": "seven", "solve": 3}, {"iterations": -1, "train_size": "many"}])
def test_settings_of_another_kind_do_no_harm(tmp_path: Path, settings: dict[str, object]):
    folder = tmp_path / "run"
    jsonl.save(folder / "metrics.jsonl", evaluate([verdict(problem("rpn", 3, 1), True)], "run", 2, "val"))
    (folder / "config.json").write_bytes(orjson.dumps(settings))
    (folder / ".lock").write_text(f"{os.getpid()} on {platform.node()}")
    state = read_run("run", tmp_path)
    assert (state.rounds, state.zero_signal, state.seconds_left) == (2, None, None)


def test_the_time_left_is_that_of_what_is_left(tmp_path: Path):
    folder = tmp_path / "live"
    settings = {"experiment": "live", "iterations": 1, "train_size": 10, "val_size": 10, "test_size": 10}
    settings |= {"control": "", "replay": "85/5/10", "solve": {"samples": 1}}
    rows = [phase_row("live", 0, "collect", 10.0, 500, 10, 4), phase_row("live", 0, "train", 4.0, 300, 4)]
    for split, iteration, sampled in (("val", 0, 0), ("val", 1, 0), ("test", 0, 4)):
        of = [problem("rpn", 3, n, split) for n in range(10)]
        judged = [verdict(one, True) for one in of] + [verdict(one, True, 0.7, i) for one in of for i in range(sampled)]
        rows += evaluate(judged, "live", iteration, split, 10.0)
    jsonl.save(folder / "metrics.jsonl", rows)
    (folder / "config.json").write_bytes(orjson.dumps(settings))
    (folder / ".lock").write_text(f"{os.getpid()} on {platform.node()}")
    state = read_run("live", tmp_path)
    assert state.phase == "test of model 1"
    assert state.seconds_left == pytest.approx(10, abs=3), "as many samples as the start model's test, which took 10 s"


def test_foreign_text_is_shown_as_it_is(tmp_path: Path):
    judged = [verdict(problem(HOSTILE, 3, n, "test"), True) for n in range(3)]
    judged = [replace(of, sample=replace(of.sample, text=HOSTILE), reason=HOSTILE) for of in judged]
    jsonl.save(tmp_path / "run" / "evaluations" / "test_0.jsonl", judged)
    jsonl.save(tmp_path / "run" / "metrics.jsonl", evaluate(judged, "run", 0, "test"))
    app = Viewer(read_run("run", tmp_path), tmp_path)

    async def steps(pilot: object) -> None:
        await pilot.press("enter")
        await settled(app, pilot)
        assert isinstance(app.screen, SamplesScreen) and "[red]x[/red] \\x1b]0;owned\\x07 \\u202egnp" in shown(app)
        await pilot.press("enter")
        assert "[red]x[/red] \\x1b]0;owned\\x07 \\u202egnp [@click=app.quit]y" in shown(app)
        assert not {"\x1b", "\x07", "\u202e"} & set(shown(app))

    driven(app, steps)


@pytest.mark.slow
def test_a_sample_is_found_by_its_place_in_the_file(tmp_path: Path):
    run = read_experiment(str(make(tmp_path / "run", 3, 2, 2)))
    index = SampleIndex(run.folder.verdicts("test", 1))
    assert [index.read(entry) for entry in index.entries] == list(run.verdicts("test", 1))


def test_without_a_terminal_or_the_extra_it_says_what_to_do(tmp_path: Path):
    make(tmp_path / "experiments" / "small", 1, 1, 2)
    found = axiom("view", "small", cwd=tmp_path)
    assert found.returncode == 2 and b"needs a terminal" in found.stderr and b"axiom report NAME" in found.stderr
    assert axiom("view", "smal", cwd=tmp_path).returncode == 4
    assert axiom("view", cwd=tmp_path / "experiments").returncode == 4


WITHOUT = """\
import importlib.util
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "textual" else known(name, package)
import sys
from axiom_cli import app
sys.exit(app.main(["view"]))
"""


@pytest.mark.slow
def test_the_missing_extra_is_named(tmp_path: Path):
    command = [sys.executable, "-c", WITHOUT]
    found = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, timeout=100)
    assert found.returncode == 4 and b"needs the extra axiom-rl[view]" in found.stderr
    assert b"pip install" in found.stderr and b"[view]" in found.stderr.partition(b"hint")[2]


@pytest.mark.slow
def test_its_help_loads_no_screens(tmp_path: Path):
    asks = "import sys; from axiom_cli import app; app.main(['view', '--help']); sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], cwd=tmp_path, env=environment(), timeout=100).returncode == 0
