"""What the two arguments of `axiom report --compare A B` name, and their comparison.

Each is a file of solutions, verdicts or metrics, or an experiment: NAME, NAME+ARM, with @N, @best (default) or @last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison import Comparison, compare, compare_metrics, compare_solutions, compare_tallies
from axiom_cli.evaluation.experiment_folder import (
    EXPERIMENTS,
    HELD_OUT,
    Experiment,
    arm_name,
    read_experiment,
    refuse_missing_file,
    split_arm,
)
from axiom_cli.evaluation.metrics import ALL, Tally, temperature
from axiom_cli.records import Metrics, Verdict

Kind = Literal["solutions", "verdict", "metrics", "experiment"]
CALLED: Mapping[Kind, str] = {
    "solutions": "a solutions file",
    "verdict": "a file of verdict records",
    "metrics": "a file of metrics records",
    "experiment": "an experiment",
}


def compare_named(before: str, after: str, root: Path = EXPERIMENTS) -> list[Comparison]:
    """The comparisons of two files or two experiments, the headline first. Raises InputError where they differ in
    kind, MissingError where there is no such experiment, NothingToDoError where they share no problem."""
    kind, kind_after = kind_of(before), kind_of(after)
    if kind != kind_after:
        raise InputError(f"{before} is {CALLED[kind]}, {after} is {CALLED[kind_after]}", "compare two of the same kind")
    stems = Path(before).stem, Path(after).stem
    names = stems if stems[0] != stems[1] else (before, after)
    if kind == "solutions":
        return [compare_solutions(jsonl.objects(Path(before)), jsonl.objects(Path(after)), names)]
    if kind == "verdict":
        with open(before, "rb") as earlier, open(after, "rb") as later:
            return compare(jsonl.read(earlier, Verdict), jsonl.read(later, Verdict), names)
    if kind == "metrics":
        return [compare_metrics(_overall(before), _overall(after), names)]
    first, second = _evaluated_model(before, root), _evaluated_model(after, root)
    comparisons = compare_models(first, second, (first.name, second.name))
    if not comparisons:
        raise InputError(f"{first.name} and {second.name} were not evaluated on a common split")
    return comparisons


def kind_of(name: str) -> Kind:
    """What `name` is, by the first line of the file if there is one. Raises InputError for a path that does not exist,
    and for a file of anything else."""
    if not Path(name).is_file():
        refuse_missing_file(name)
        return "experiment"
    row = next(jsonl.objects(Path(name)), {})
    if (kind := row.get("kind")) in ("verdict", "metrics"):
        return kind
    if not row or "solution_code" in row:
        return "solutions"
    raise InputError(f"{name} contains neither solutions, verdicts nor metrics", "axiom verify writes the first two")


def _overall(name: str) -> Metrics:
    """The latest overall row of a metrics file, greedy if there is one."""
    rows = [
        row
        for row in jsonl.load(Path(name), Metrics)
        if (row.family, row.level) == (ALL, 0) and row.extra.get("phase", "evaluate") == "evaluate"
    ]
    if not rows:
        raise InputError(f"{name} contains no overall pass rate", "it needs a metrics row with family all and level 0")
    return max(rows, key=lambda row: (row.iteration, row.split == "test", -temperature(row)))


def _evaluated_model(name: str, root: Path) -> EvaluatedModel:
    run, _, which = name.partition("@")
    experiment_name, arm = split_arm(run)
    experiment = read_experiment(experiment_name, root)
    return EvaluatedModel(experiment, experiment.iteration(which, arm), arm)


@dataclass(frozen=True)
class EvaluatedModel:
    """One model of one experiment: an iteration of an arm. With `passes_only`, tallies hold what a comparison needs and
    cost a third."""

    experiment: Experiment
    iteration: int
    arm: str = ""
    passes_only: bool = False

    @property
    def name(self) -> str:
        """`NAME+ARM@ITERATION`."""
        return f"{arm_name(self.experiment.name, self.arm)}@{self.iteration}"

    def tallies(self, split: str) -> Mapping[float, list[Tally]]:
        """The problems' counts by temperature; empty where verdicts were not kept."""
        read = self.experiment.counts if self.passes_only else self.experiment.tallies
        return read(split, self.iteration, self.arm)

    def overall(self, split: str) -> dict[float, Metrics]:
        """The overall rows by temperature."""
        rows = self.experiment.evaluations(self.arm, split)
        return {temperature(row): row for row in rows if row.iteration == self.iteration}


def compare_models(before: EvaluatedModel, after: EvaluatedModel, names: tuple[str, str]) -> list[Comparison]:
    """Paired on test, or else validation, where verdicts were kept for both; else unpaired from their metrics rows.

    One comparison a temperature, greedy first; none where they share no split.
    """
    for split in HELD_OUT:
        first, second = before.tallies(split), after.tallies(split)
        common = first.keys() & second.keys()
        if any({t.problem for t in first[heat]} & {t.problem for t in second[heat]} for heat in common):
            return compare_tallies(first, second, names, split)
    for split in HELD_OUT:
        rates_before, rates_after = before.overall(split), after.overall(split)
        shared = sorted(rates_before.keys() & rates_after.keys())
        if shared:
            return [compare_metrics(rates_before[heat], rates_after[heat], names, split) for heat in shared]
    return []
