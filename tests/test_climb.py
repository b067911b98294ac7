"""A climb: a family's levels rise as they are solved, to the end of its own, and the run says so wherever it speaks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from axiom_cli import models
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.experiment.climb import banded, first_tops, moved, out_of_reach, raised
from axiom_cli.experiment.curriculum import buckets
from axiom_cli.importing.sources import Endless, Reading, open_sources
from axiom_cli.importing.splitting import Supply
from axiom_cli.models.kind import kind_of
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.records import Metrics
from axiom_cli.sampling import nano_cold_start
from command_line import ROOT, axiom, environment, failed, rows
from made_experiment import problem, verdict
from test_examples import make_shell


def evaluated(solved: dict[str, dict[int, int]]) -> list[Metrics]:
    """The greedy rows of a model that solves so many of 10 problems, by family and level."""
    return evaluate(
        [
            verdict(problem(family, level, number, "val"), number < count)
            for family, levels in solved.items()
            for level, count in levels.items()
            for number in range(10)
        ],
        "run",
        split="val",
    )


def test_levels_rise_to_the_first_that_is_not_solved_and_to_the_end_of_the_family() -> None:
    sources = open_sources("rpn:2-5,modular:4-6,register_machine", Reading(levels=range(1, 31)))
    supply = Supply([source for source in sources.sources if isinstance(source, Endless)])
    assert first_tops(supply, 0) == {}
    tops = first_tops(supply, 3)
    assert tops == {"rpn": 3, "modular": 4, "register_machine": 3}
    assert [(b.family, b.level) for b in buckets(supply, tops) if b.family != "register_machine"] == [
        ("rpn", 2), ("rpn", 3), ("modular", 4),
    ]  # fmt: skip
    rows = evaluated({"rpn": {3: 7, 4: 7, 5: 6}, "modular": {4: 6, 5: 5, 6: 4}, "register_machine": {3: 10, 7: 0}})
    first = raised(tops, rows)
    assert first == {"rpn": 5, "modular": 4, "register_machine": 7}, "the first that is validated and not yet solved"
    assert raised(first, rows) == first, "where less is solved, it stays"
    assert raised(tops, evaluated({"modular": {5: 10}})) == tops, "where the top is not validated, it is not known"
    assert raised({"rpn": 5}, evaluated({"rpn": {5: 10}})) == {"rpn": 5}, "no level beyond its own"
    assert raised({}, rows) == {}


def test_a_band_rises_falls_again_and_stays_in_between() -> None:
    rates = {1: 10, 2: 8, 3: 5, 4: 0, 5: 0}
    rows = evaluated({"rpn": rates})
    assert [moved({"rpn": top}, rows)["rpn"] for top in (1, 2, 3, 4, 5)] == [2, 3, 3, 3, 4]
    assert moved({"rpn": 1}, evaluated({"rpn": {1: 0, 2: 10}})) == {"rpn": 1}, "nothing is below the lowest"
    assert moved({"rpn": 5}, evaluated({"rpn": {5: 10}})) == {"rpn": 5}, "no level beyond its own"
    band = banded({"rpn": 4}, {("rpn", level): count / 10 for level, count in rates.items()})
    assert [level for (_, level), rate in band.items() if rate] == [2, 3, 4], "what is neither solved nor out of reach"


@pytest.mark.parametrize("rule", [raised, moved])
def test_problems_that_are_harder_than_their_level_hold_nobody_back(rule: Callable[..., dict[str, int]]) -> None:
    higher = evaluated({"rpn": {3: 10, 4: 6, 5: 9, 6: 1}})
    assert rule({"rpn": 4}, higher)["rpn"] > 4, "levels 4 and 5 together are solved"
    assert raised({"rpn": 4}, higher) == {"rpn": 6}
    alone = evaluated({"rpn": {3: 10, 4: 6, 5: 7, 6: 1}})
    assert rule({"rpn": 4}, alone) == {"rpn": 4}, "together they are not"


def test_a_family_of_which_nothing_is_solved_is_out_of_reach() -> None:
    assert out_of_reach(evaluated({"rpn": {3: 0, 4: 0}, "modular": {3: 1}})) == ["rpn"]
    few = [row for row in evaluated({"rpn": {3: 0}}) if row.family != "rpn"]
    assert out_of_reach(few) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_band_is_written_down_first_and_moves_with_what_is_validated(tmp_path: Path) -> None:
    small = ("--problems", "register_machine:1-4,queue_listing:10", "--curriculum", "bands", "--train-size", "60")
    small = (*small, "--climb-from", "0")
    small = (*small, "--val-size", "80", "--test-size", "8", "--max-tokens", "160", "--epochs", "1", "--ignore-gates")
    done = axiom("loop", "--experiment", "band", "--iterations", "1", *small, cwd=tmp_path)
    said = done.stderr.decode()
    assert "each family trains at levels up to 1 at first" in said and "round 1: levels up to 2" in said, said
    assert "out of reach: queue_listing (no validation problem is solved)" in said, "160 tokens do not suffice there"
    folder = tmp_path / "experiments" / "band"
    assert "falls by one" in orjson.loads((folder / "config.json").read_bytes())["climb"]
    collect = next(row for row in rows((folder / "metrics.jsonl").read_bytes()) if row["phase"] == "collect")
    assert collect["tops"] == {"register_machine": 2, "queue_listing": 10}
    assert collect["out_of_reach"] == ["queue_listing"]
    again = axiom("loop", "--experiment", "band", "--iterations", "2", *small, cwd=tmp_path)
    assert "round 1: levels up to 2" in again.stderr.decode()


SMALL = ("--problems", "register_machine:2-5,robot_walk:2-4", "--climb-from", "2", "--train-size", "60")
SMALL = (*SMALL, "--val-size", "80", "--test-size", "8", "--max-tokens", "160", "--epochs", "1")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_climb_grows_by_what_it_solves_and_resumes_as_before(tmp_path: Path) -> None:
    done = axiom("loop", "--experiment", "up", "--iterations", "1", *SMALL, cwd=tmp_path)
    said = done.stderr.decode()
    assert "levels up to 2 at first, then up to the lowest with under 7 in 10 solved" in said
    assert "round 1: levels up to 5 (register_machine), 4 (robot_walk)\n" in said
    folder = tmp_path / "experiments" / "up"
    assert "0.7" in orjson.loads((folder / "config.json").read_bytes())["climb"]
    first = (folder / "train.jsonl").read_bytes()
    assert {row["level"] for row in rows(first)} == {2, 3, 4, 5}

    again = axiom("loop", "--experiment", "up", "--iterations", "2", *SMALL, cwd=tmp_path)
    assert "round 2: levels up to 5 (register_machine), 4 (robot_walk)" in again.stderr.decode()
    assert (folder / "train.jsonl").read_bytes().startswith(first), "resumed, it climbs as before"
    metrics = rows((folder / "metrics.jsonl").read_bytes())
    collected = [row for row in metrics if row["phase"] == "collect"]
    assert [row["tops"]["register_machine"] for row in collected] == [5, 5]
    page = (folder / "report.html").read_text()
    assert "diamonds are the highest level" in page and "model 2: trained up to level 5" in page


@pytest.mark.slow
def test_a_climb_with_nothing_to_judge_it_by_is_warned_of_and_one_without_an_end_refused(tmp_path: Path) -> None:
    few = axiom("loop", "--plan", *SMALL, "--val-size", "40", cwd=tmp_path)
    assert "one level has 5: --val-size 80 gives 10 to each" in few.stderr.decode()
    over = ("loop", "--climb-from", "12", "--max-difficulty", "10")
    failed(axiom(*over, cwd=tmp_path), 2, "--climb-from 12 is above --max-difficulty 10")


@pytest.mark.slow
def test_the_recipe_makes_a_smaller_start_with_the_same_tokenizer(tmp_path: Path) -> None:
    recipe = [sys.executable, "-m", "axiom_cli.models.nano.recipe", "start", "0.002"]
    subprocess.run(recipe, cwd=tmp_path, env=environment(), check=True, capture_output=True, timeout=300)
    start = models.resolve(str(tmp_path / "start"))
    assert nano_cold_start.suits(start), "so that a loop replays the cold start, and cold-only has one"
    assert kind_of(str(start.path)) == "nano"
    assert not [*start.path.glob("*.pt")], "the checkpoints are gone"
    asked = axiom("problems", "gen", "register_machine", "--count", "1", cwd=tmp_path).stdout
    answered = axiom("solve", "--model", str(start.path), "--max-tokens", "8", stdin=asked, cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_experiment_runs_from_recipe_to_plot(tmp_path: Path) -> None:
    """With nano in the place of what its recipe makes in ten minutes."""
    shutil.copytree(WEIGHTS, tmp_path / "length_generalization" / "start")
    small = (
        "--iterations 1 --problems register_machine:1-4 --train-size 60 --val-size 40 --test-size 40 --max-tokens 160"
    )
    script = f"sh {ROOT / 'examples' / 'length_generalization.sh'} {small}"
    done = make_shell(tmp_path)(script, tmp_path)
    assert done.returncode == 0, done.stderr
    made = tmp_path / "length_generalization"
    written = (made / "tables.md").read_text()
    assert "| shuffled | cold-only | unfiltered | problems a level |" in written
    assert "<h2>Frontier</h2>" in (made / "experiments" / "climb" / "report.html").read_text()
