"""How often a run says "better" with right verdicts, and how often with verdicts dealt out at random; by hand:

    PYTHONPATH=. python tests/benchmarks/seeded_runs.py FOLDER [--seeds 20] [--first-seed 100] [-- --train-size 400]

Each seed is a small loop on nano with the control `shuffled`, so that both learn from samples of the same start model,
choose on the same validation problems and are tested on the same held-out ones. What is said of the run is what its
report says: the selected model against the start model, paired on the test. The same is asked of the control, as though
it were the run, and of the last model of both, which validation did not choose. What stands behind `--` goes to
`axiom loop`. What is there already in FOLDER is not made again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from axiom_cli.evaluation.comparison import Comparison, percent, points, points_range
from axiom_cli.evaluation.comparison_sources import EvaluatedModel, compare_models
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.experiment.control_arms import SHUFFLED

SMALL = ["--iterations", "2", "--train-size", "400", "--val-size", "60", "--test-size", "300"]
SMALL += ["--min-difficulty", "3", "--max-difficulty", "5"]
ARMS = {"right verdicts": "", "shuffled verdicts": SHUFFLED}
MODELS = ("selected", "last")


def name(seed: int) -> str:
    """The experiment of a seed."""
    return f"seeded-{seed}"


def run(folder: Path, seed: int, options: Sequence[str]) -> None:
    """Makes the run of one seed and its control, or resumes it."""
    command = [sys.executable, "-m", "axiom_cli", "loop", "--experiment", name(seed), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [*command, *SMALL, "--control", SHUFFLED, *options],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def finding(folder: Path, seed: int, arm: str, which: str) -> Comparison:
    """What the report says of an arm's `selected` or `last` model against the start model."""
    experiment = read_experiment(name(seed), folder / "experiments")
    chosen = experiment.best(arm) if which == "selected" else experiment.iterations(arm, "test")[-1]
    start, after = (EvaluatedModel(experiment, iteration, arm) for iteration in (0, chosen))
    return compare_models(start, after, ("the start model", f"model {chosen}"))[0]


def main() -> None:
    """Runs what is missing, and prints a row a seed and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=100)
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    arguments, options = parser.parse_args(words[:cut]), words[cut + 1 :]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    counts: dict[tuple[str, str], Counter[str]] = {(arm, which): Counter() for arm in ARMS for which in MODELS}
    print("| seed | verdicts | start | selected | difference | the report says |\n|---|---|---|---|---|---|")
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        run(arguments.folder, seed, options)
        for arm, which in counts:
            comparison = finding(arguments.folder, seed, ARMS[arm], which)
            counts[arm, which][comparison.verdict] += 1
            if which == "selected":
                cells = percent(comparison.rate_before), percent(comparison.rate_after)
                difference = f"{points(comparison.difference)} ({points_range(comparison.interval)})"
                print(f"| {seed} | {arm} | {' | '.join(cells)} | {difference} | {comparison.verdict} |", flush=True)
    for (arm, which), verdicts in counts.items():
        found_so_often = (f"{verdicts[verdict]} {verdict}" for verdict in ("better", "inconclusive", "worse"))
        print(f"{arm}, {which} model: {', '.join(found_so_often)}")
    spent = os.times()
    print(f"{(spent.children_user + spent.children_system) / 60:.0f} minutes of processor time")


if __name__ == "__main__":
    main()
