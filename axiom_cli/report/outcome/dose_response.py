"""How the gain falls with the share of wrong verdicts, over the runs beside a run that differ in that share alone: the
curve that tells what right verdicts are worth (2502.01612)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.comparison import Comparison, Outcomes, pair, points, points_range
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.metrics import ALL, HARD, temperature
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.siblings import a_run_a_seed, evaluated_on, siblings
from axiom_cli.wording import listed

GREEDY = 0.0
NONE = "none"
KINDS = {
    NONE: "none",
    "random": "random failures",
    "near": "near misses",
    "own": "the model's own most frequent answers",
}
"""Which failures counted as passes, in words."""
SETTINGS = ("wrong_labels", "wrong_labels_kind")
COLUMNS = (
    *("wrong verdicts", "kind", "gain", "95 % interval", "gain where hard", "95 % interval"),
    *("problems", "hard ones", "runs"),
)


@dataclass(frozen=True)
class Dose:
    """The runs with one share of wrong verdicts of one kind, a run a seed. `gain` compares their last models with their
    start models, and `hard` does so where verdicts were turned round: on the families and levels of which the start
    model solves at most HARD."""

    kind: str
    share: float
    runs: list[str]
    gain: Comparison
    hard: Comparison | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        hard = self.hard.to_dict() if self.hard else None
        return {"kind": self.kind, "share": self.share, "runs": self.runs, "gain": self.gain.to_dict(), "hard": hard}


def planted_sentence(run: Experiment) -> str:
    """That the run learnt from wrong verdicts, how many and where; empty where it did not."""
    share, kind = _dose(run)
    if not share:
        return ""
    counts = [
        row.extra["planted"] for row in run.phases() if row.extra["phase"] == "collect" and "planted" in row.extra
    ]
    passes, failures = (sum(int(of.get(status, 0)) for of in counts) for status in ("pass", "fail"))
    turned = f": {passes:,} failures counted as passes ({KINDS[kind]}) and {failures:,} passes as failures"
    return (
        f"This run learnt from wrong verdicts: where the start model solves at most {100 * HARD:.0f} %, "
        f"{100 * share:g} % of them were turned round{turned if counts else ''}."
    )


def doses(run: Experiment) -> list[Dose]:
    """A dose for each share and kind among the run and those beside it; empty where none has wrong verdicts."""
    split = evaluated_on(run, (run.iterations()[0], run.iterations()[-1]))
    groups: dict[tuple[str, float], list[Experiment]] = {}
    for of in siblings(run, SETTINGS) if split else ():
        if of.iterations() and {of.iterations()[0], of.iterations()[-1]} <= {*of.iterations(split=split)}:
            share, kind = _dose(of)
            groups.setdefault((kind, share), []).append(of)
    if not any(share for _, share in groups):
        return []
    order = [*KINDS]
    doses = []
    for kind, share in sorted(groups, key=lambda of: (order.index(of[0]), of[1])):
        runs = a_run_a_seed(groups[kind, share])
        if gain := _gain(runs, split):
            names = [of.folder.path.name for of in runs]
            doses.append(Dose(kind, share, names, gain, _gain(runs, split, hard=True)))
    return doses


def _dose(run: Experiment) -> tuple[float, str]:
    share, kind = run.config.get("wrong_labels"), str(run.config.get("wrong_labels_kind"))
    if not isinstance(share, int | float) or not share:
        return 0.0, NONE
    return float(share), kind if kind in KINDS else "random"


def _gain(runs: Sequence[Experiment], split: str, *, hard: bool = False) -> Comparison | None:
    """The last models of the runs against their start models, greedy; a problem that several runs met counts once. None
    where verdicts were not kept, or no problem is hard."""
    before: dict[str, tuple[int, int]] = {}
    after: dict[str, tuple[int, int]] = {}
    for run in runs:
        first, last = run.iterations()[0], run.iterations()[-1]
        cells = hard_cells(run) if hard else None
        for counts, of in ((before, _outcomes(run, split, first, cells)), (after, _outcomes(run, split, last, cells))):
            for problem, (passed, judged) in of.items():
                earlier = counts.get(problem, (0, 0))
                counts[problem] = earlier[0] + passed, earlier[1] + judged
    try:
        return pair(before, after, ("the start model", "the last model"), split)
    except NothingToDoError:
        return None


def _outcomes(run: Experiment, split: str, iteration: int, cells: set[tuple[str, int]] | None) -> Outcomes:
    return {
        tally.problem: (tally.passed, tally.judged)
        for tally in run.counts(split, iteration).get(GREEDY, ())
        if tally.judged and (cells is None or (tally.family, tally.level) in cells)
    }


def hard_cells(run: Experiment) -> set[tuple[str, int]]:
    """The families and levels of which the start model solves at most HARD of the validation problems: where verdicts
    are turned round."""
    start = run.iterations()[0]
    return {
        (row.family, row.level)
        for row in run.rows
        if (row.experiment, row.iteration, row.split) == (run.name, start, "val")
        and row.extra.get("phase") == "evaluate"
        and row.level
        and row.family != ALL
        and not temperature(row)
        and row.rate <= HARD
    }


def dose_table(name: str, doses: Sequence[Dose]) -> Table | None:
    """A row for each share and kind of wrong verdicts."""
    rows = [
        [
            f"{100 * of.share:g} %",
            KINDS[of.kind],
            points(of.gain.difference),
            points_range(of.gain.interval),
            *((points(of.hard.difference), points_range(of.hard.interval)) if of.hard else ("", "")),
            f"{of.gain.problems:,}",
            f"{of.hard.problems:,}" if of.hard else "",
            ", ".join(of.runs),
        ]
        for of in doses
    ]
    return Table(f"{name}: gain against wrong verdicts, in points", COLUMNS, rows, keys=2) if rows else None


def dose_sentence(doses: Sequence[Dose]) -> str:
    """The gain without wrong verdicts, and what the highest share of each kind leaves of it."""
    if not doses:
        return ""
    highest = {of.kind: of for of in doses if of.share}
    left = [f"{gain_words(of.gain)} with {100 * of.share:g} % wrong ({KINDS[of.kind]})" for of in highest.values()]
    none = next((of for of in doses if not of.share), None)
    if none is None:
        return f"The last model gains {listed(left)}. No run without wrong verdicts lies beside this one."
    return f"The last model gains {listed([f'{gain_words(none.gain)} without wrong verdicts', *left])}."


def gain_words(gain: Comparison) -> str:
    """A gain in points, with its interval."""
    return f"{points(gain.difference)} points ({points_range(gain.interval)})"
