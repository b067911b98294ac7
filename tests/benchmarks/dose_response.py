"""How much of a run's gain comes from right verdicts: its gain against the share of wrong ones, by hand:

    PYTHONPATH=. python tests/benchmarks/dose_response.py FOLDER [--doses 0 0.05 0.1 0.3 0.5 0.9] [--seeds 3]
        [--kinds random near own] [-- --iterations 3 --train-size 600 --samples 4]

What stands behind `--` goes to `axiom loop`. Each dose, kind and seed is an experiment in FOLDER; what is there already
is not made again, so that an interrupted curve resumes. The gain is the last model's greedy pass rate minus the start
model's on the same test problems, over all seeds together, with its 95 % interval, once on all problems and once where
the start model solves at most 60 % on validation. The last model and not the selected one: validation, whose verdicts
are right, would choose the damage away.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.comparison import Comparison, Outcomes, pair, points, points_range
from axiom_cli.evaluation.experiment_folder import Experiment, read_experiment
from axiom_cli.experiment.wrong_labels import hard_cells

DOSES = (0.0, 0.05, 0.1, 0.3, 0.5, 0.9)
KINDS = ("random", "near", "own")
COLUMNS = ("kind", "wrong verdicts", "gain (points)", "95 %", "gain where hard", "95 %", "problems")


def name(kind: str, dose: float, seed: int) -> str:
    """The experiment of one point; without wrong verdicts all kinds are one."""
    return f"dose-{kind if dose else 'none'}-{dose:g}-{seed}"


def run(folder: Path, kind: str, dose: float, seed: int, options: Sequence[str]) -> None:
    """Makes one point of the curve, or resumes it."""
    wrong = ["--wrong-labels", str(dose), "--wrong-labels-kind", kind] if dose else []
    command = [sys.executable, "-m", "axiom_cli", "loop", "--experiment", name(kind, dose, seed), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([*command, *wrong, *options], cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)


def outcomes(experiment: Experiment, iteration: int, hard: bool, seed: int) -> Outcomes:
    """The greedy test outcomes of one model, by seed and problem."""
    cells = hard_cells(row for row in experiment.rows if row.split == "val" and row.iteration == 0)
    tallies = experiment.tallies("test", iteration).get(0.0, [])
    return {
        f"{seed}/{t.problem}": (t.passed, t.judged)
        for t in tallies
        if t.judged and (not hard or (t.family, t.level) in cells)
    }


def gain(folder: Path, kind: str, dose: float, seeds: int, hard: bool) -> Comparison | None:
    """The last model against the start model over all seeds; None where there is no such problem."""
    before: dict[str, tuple[int, int]] = {}
    after: dict[str, tuple[int, int]] = {}
    for seed in range(seeds):
        experiment = read_experiment(name(kind, dose, seed), folder / "experiments")
        before |= outcomes(experiment, 0, hard, seed)
        after |= outcomes(experiment, experiment.iterations(split="test")[-1], hard, seed)
    try:
        return pair(before, after, ("start", "last"), "test")
    except NothingToDoError:
        return None


def table(folder: Path, kinds: Sequence[str], doses: Sequence[float], seeds: int) -> Iterator[str]:
    """The curve as a Markdown table."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    none = [("none", 0.0)] * (0.0 in doses)
    for kind, dose in (*none, *((kind, dose) for kind in kinds for dose in doses if dose)):
        cells, count = [], 0
        for hard in (False, True):
            comparison = gain(folder, kind, dose, seeds, hard)
            cells += [points(comparison.difference), points_range(comparison.interval)] if comparison else ["", ""]
            count = count or (comparison.problems if comparison else 0)
        yield f"| {kind} | {dose:g} | {' | '.join(cells)} | {count:,} |"


def main() -> None:
    """Runs what is missing, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--doses", type=float, nargs="+", default=DOSES)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--seeds", type=int, default=3)
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    arguments, options = parser.parse_args(words[:cut]), words[cut + 1 :]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.seeds):
        for dose in arguments.doses:
            for kind in arguments.kinds if dose else ["none"]:
                run(arguments.folder, kind, dose, seed, options)
    for line in table(arguments.folder, arguments.kinds, arguments.doses, arguments.seeds):
        print(line)


if __name__ == "__main__":
    main()
