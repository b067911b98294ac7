"""Experiments in every format: a row for each evaluation, and the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from axiom_cli.evaluation.comparison import percent, percent_range, spoken
from axiom_cli.evaluation.experiment_folder import HELD_OUT, split_arm
from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics
from axiom_cli.report.cells import COMPARISON_COLUMNS, comparison_cells, family_rates, rate_cells, rate_columns
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.outcome.climb import climb_sentence
from axiom_cli.report.outcome.cold_start import cold_start_facts, cold_start_table
from axiom_cli.report.outcome.command_line import command_line
from axiom_cli.report.outcome.dose_response import dose_sentence, dose_table
from axiom_cli.report.outcome.gain import gain_table
from axiom_cli.report.outcome.next_step import next_step
from axiom_cli.report.outcome.rounds import rounds_of, rounds_table
from axiom_cli.report.outcome.summary import ExperimentSummary
from axiom_cli.report.sections.claim import claim_json, claim_table, questions
from axiom_cli.report.sections.costs import cost_json, cost_sentence, cost_table
from axiom_cli.report.sections.coverage import coverage_json, coverage_parts
from axiom_cli.report.sections.evidence import evidence_json, evidence_sentences, evidence_table
from axiom_cli.report.sections.frontier import frontier_table
from axiom_cli.report.sections.origin import origin_json, origin_tables
from axiom_cli.report.sections.samples import samples_tables
from axiom_cli.report.sections.transfer import LEGEND, cells_beside, transfer_table
from axiom_cli.report.tables.plain_rows import csv_rows, frontiers_of, plain_rows
from axiom_cli.wording import as_markdown


def experiment_findings(summaries: Sequence[ExperimentSummary]) -> Findings:
    """One or more experiments. As JSON a single one is an object, several are a list."""
    objects = []
    markdown: list[Table | str] = []
    terminal: list[Table | str] = []
    for summary in summaries:
        markdown += _markdown(summary)
        terminal += _terminal(summary)
        objects.append(_json_object(summary))
    return Findings(
        json_value=objects[0] if len(objects) == 1 else objects,
        csv_rows=[row for summary in summaries for row in csv_rows(summary)],
        markdown=markdown,
        terminal=terminal,
        records=[row for summary in summaries for row in summary.rows],
    )


def _terminal(summary: ExperimentSummary) -> list[Table | str]:
    """What fits a terminal, the sentence last."""
    name, steps = summary.experiment.name, [step.sentence for step in summary.steps]
    cold_start, climbed = cold_start_table(summary.experiment), frontier_table(summary)
    parts = [cold_start, experiment_table(summary), climbed, gain_table(name, summary.gain) if summary.gain else None]
    covered = coverage_parts(name, summary.coverage) if summary.coverage else []
    planted: list[Table | str | None] = [dose_table(name, summary.doses), dose_sentence(summary.doses)]
    said_already = len(steps) == len(summary.final[:1]) == 1  # one step, from the start to the selected model
    said = [*([] if said_already else steps), *evidence_sentences(summary.experiment), summary.sentence]
    return [part for part in (*parts, *covered, *planted, *said) if part]


def _markdown(summary: ExperimentSummary) -> list[Table | str]:
    """What the page says, in its order."""
    run, name = summary.experiment, summary.experiment.name
    step, answers = next_step(summary), questions(summary)
    compared = list(map(comparison_cells, (*summary.final, *summary.steps)))
    controls = list(map(comparison_cells, summary.controls.values()))
    line = command_line(run)
    cells = cells_beside(run)
    parts: list[Table | str | None] = [
        f"# {as_markdown(name)}",
        summary.sentence,
        f"Next: {step.sentence}\n\n    {step.command}" if step.command else f"Next: {step.sentence}",
        experiment_table(summary),
        "\\* selected on validation.",
        evidence_table(run),
        " ".join(evidence_sentences(run)),
        Table(f"{name}: differences in points", COMPARISON_COLUMNS, compared) if compared else None,
        levels_table(summary),
        *samples_tables(name, summary.examples),
        *(coverage_parts(name, summary.coverage) if summary.coverage else ()),
        cold_start_table(run),
        rounds_table(name, rounds_of(run)),
        Table(f"{name}: against the controls, in points", COMPARISON_COLUMNS, controls) if controls else None,
        dose_table(name, summary.doses),
        dose_sentence(summary.doses),
        gain_table(name, summary.gain) if summary.gain else None,
        *((transfer_table(cells), LEGEND) if cells else ()),
        frontier_table(summary),
        climb_sentence(summary.climbs),
        cost_table(run),
        cost_sentence(run),
        f"The command that repeats the run:\n\n    {line}" if line else None,
        *origin_tables(run),
        claim_table(name, answers),
    ]
    return [part for part in parts if part]


def levels_table(summary: ExperimentSummary) -> Table | None:
    """The greedy rates of the start and of the selected model, a row for each family at all levels together and at each
    one; None without any."""
    run = summary.experiment
    split = next((split for split in HELD_OUT if run.evaluations(split=split)), "")
    of: dict[tuple[str, int], dict[int, Metrics]] = {}
    for row in run.rows:
        cell = (row.experiment, row.split, row.extra.get("phase")) == (run.name, split, "evaluate")
        if cell and not temperature(row):
            of.setdefault((row.family, row.level), {})[row.iteration] = row
    models = [run.iterations()[0], summary.selected]
    rows = [
        [family, str(level or "all"), *(_rate(by_model[m]) if m in by_model else "" for m in models)]
        for (family, level), by_model in sorted(of.items(), key=lambda of: (of[0][0] != ALL, *of[0]))
    ]
    columns = ["family", "level", "start", "selected"]
    return Table(f"{run.name}: families by level ({spoken(split)})", columns, rows, keys=2) if rows else None


def _rate(row: Metrics) -> str:
    return f"{percent(row.rate)} ({percent_range(row.interval)}) of {row.n:,}"


def experiment_table(summary: ExperimentSummary) -> Table:
    """A row an evaluation; the selected model is marked with a star."""
    has_controls = len(summary.experiment.arms()) > 1
    families, rates = summary.families(), family_rates(summary.experiment.rows)
    rows = []
    for row in summary.rows:
        _, arm = split_arm(row.experiment)
        mark = " *" if row.iteration == summary.selected and not arm else ""
        reached = frontiers_of(row, summary)
        frontier = [", ".join(reached[family].text if family in reached else "-" for family in families)]
        cells = [f"{row.iteration}{mark}", row.split, *rate_cells(row, families, rates)]
        cells += (frontier if reached else [""]) if summary.frontiers else []
        rows.append([arm or "run", *cells] if has_controls else cells)
    columns = [*(["arm"] if has_controls else []), "model", "split", *rate_columns(families)]
    columns += ["frontier"] if summary.frontiers else []
    return Table(f"{summary.experiment.name}: pass rates per model", columns, rows, keys=4 if has_controls else 3)


def _frontier_json(row: Metrics, summary: ExperimentSummary) -> dict[str, dict[str, int]]:
    return {family: asdict(frontier) for family, frontier in frontiers_of(row, summary).items()}


def _families_json(summary: ExperimentSummary) -> list[dict[str, Any]]:
    """The run's greedy rates by family and level; level 0 is all levels together."""
    return [
        {
            **{name: getattr(row, name) for name in ("iteration", "split", "family", "level", "n", "passed", "rate")},
            "low": row.interval[0],
            "high": row.interval[1],
        }
        for row in summary.experiment.rows
        if (row.experiment, row.extra.get("phase")) == (summary.experiment.name, "evaluate")
        and (row.level or row.family != ALL)
        and not temperature(row)
    ]


def _json_object(summary: ExperimentSummary) -> dict[str, Any]:
    rows = zip(plain_rows(summary), summary.rows, strict=True)
    return {
        "experiment": summary.experiment.name,
        "selected": summary.selected,
        "verdict": summary.verdict,
        "sentence": summary.sentence,
        "rows": [
            {**plain, "pass_at": dict(row.pass_at), "frontier": _frontier_json(row, summary)} for plain, row in rows
        ],
        "steps": [step.to_dict() for step in summary.steps],
        "final": [comparison.to_dict() for comparison in summary.final],
        "controls": {arm: comparison.to_dict() for arm, comparison in summary.controls.items()},
        "dose_response": [dose.to_dict() for dose in summary.doses],
        "repeats": summary.repeats.to_dict() if summary.repeats else None,
        "gain": asdict(summary.gain) if summary.gain else None,
        "selection_gap": asdict(summary.gap) if summary.gap else None,
        "coverage": coverage_json(summary.coverage) if summary.coverage else None,
        "families": _families_json(summary),
        "climb": climb_sentence(summary.climbs),
        "transfer": [cell.to_dict() for cell in cells_beside(summary.experiment)],
        "cost": cost_json(summary.experiment),
        "config": dict(summary.experiment.config),
        "next": asdict(next_step(summary)),
        "evidence": evidence_json(summary.experiment),
        "rounds": [of.to_dict() for of in rounds_of(summary.experiment)],
        "samples": summary.examples.to_dict() if summary.examples else None,
        "origin": origin_json(summary.experiment),
        "questions": claim_json(questions(summary)),
        **({"cold_start": facts} if (facts := cold_start_facts(summary.experiment)) else {}),
    }
