"""Where a run comes from, on the page: command, machines, settings, and the weights and problems behind the numbers."""

from __future__ import annotations

import shlex
from typing import Any

import orjson
from markupsafe import Markup

from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.pooled import dotted
from axiom_cli.records import Metrics
from axiom_cli.report.drawing.html import Section, card, code, command, joined, numbers, table_card
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.command_line import command_line

DIGESTS = ("weights", "trained", "problems")
LINEAGE = ("run", "model", "split", "name", *DIGESTS)
SHORT = 12
LEAD = Markup(
    "The same command with the same version, on a machine of this kind, makes the same run. {} traces the selected "
    "model back to everything that it was made from."
)


def origin(experiment: Experiment) -> Section:
    """Command, machines, settings and lineage."""
    parts: list[Markup] = []
    if line := command_line(experiment):
        parts.append(card("The command that repeats it", command(line)))
    if machines := machines_table(experiment):
        parts.append(table_card(machines))
    parts.append(table_card(_weights(experiment)))
    if certificates := _certificates(experiment):
        parts.append(card("", numbers(certificates, "Merge certificates")))
    if settings := _settings(experiment):
        parts.append(card("", numbers(settings, "All settings")))
    why = code(shlex.join(["axiom", "workspace", "why", f"{experiment.name}@best"]))
    return Section("Configuration and lineage", LEAD.format(why), joined(parts))


def machines_table(experiment: Experiment) -> Table | None:
    """A row for each machine; None where that was not kept."""
    rows = [
        [
            f"{row.get('began', '')} to {row.get('ended', '')}",
            f"{row.get('processor', '')}, {row.get('cores', '')} cores, {row.get('memory_gib', '')} GiB",
            str(row.get("accelerator", "")),
            f"{row.get('system', '')}, Python {row.get('python', '')}",
            ", ".join(f"{name} {version}" for name, version in dict(row.get("versions", {})).items()),
        ]
        for row in experiment.machines()
    ]
    columns = ("when (UTC)", "machine", "accelerator", "system", "versions")
    return Table(f"{experiment.name}: the machines that it ran on", columns, rows, keys=1) if rows else None


def origin_json(experiment: Experiment) -> dict[str, Any]:
    """For JSON; the settings are there as `config`."""
    merged = [{"round": row.iteration + 1, "certificate": row.extra["certificate"]} for row in _certified(experiment)]
    return {
        "command": command_line(experiment),
        "machines": experiment.machines(),
        "lineage": lineage(experiment),
        "certificates": merged,
    }


def origin_tables(experiment: Experiment) -> list[Table]:
    """Machines, lineage, certificates and settings as text, for Markdown."""
    name = experiment.name
    traced = [[value[:SHORT] if key in DIGESTS else value for key, value in of.items()] for of in lineage(experiment)]
    certificates = [[str(row.iteration + 1), _text(row.extra["certificate"])] for row in _certified(experiment)]
    settings = [[key, _text(value)] for key, value in sorted(dotted(experiment.config).items())]
    tables = [
        machines_table(experiment),
        Table(f"{name}: weights, what training wrote, and problem sets", LINEAGE, traced),
        Table(f"{name}: merge certificates", ("round", "certificate"), certificates),
        Table(f"{name}: all settings", ("setting", "value"), settings),
    ]
    return [table for table in tables if table and table.rows]


def lineage(experiment: Experiment) -> list[dict[str, str]]:
    """Each model: its weights, the adapter or weights that training wrote, and the problems that it was measured on, by
    digest."""
    trained = {
        (row.experiment, row.iteration + 1): _digest(row.extra.get("digest"))
        for arm in experiment.arms()
        for row in experiment.phases(arm)
        if row.extra["phase"] == "train"
    }
    lines: dict[tuple[str, ...], None] = {}
    for arm in experiment.arms():
        for row in experiment.evaluations(arm):
            weights, problems = _digest(row.extra.get("digest")), _digest(row.extra.get("set"))
            learnt = trained.get((row.experiment, row.iteration), "")
            place = row.experiment, str(row.iteration), row.split, str(row.extra.get("model", ""))
            lines.setdefault((*place, weights, learnt, problems))
    return [dict(zip(LINEAGE, values, strict=True)) for values in lines]


def _digest(value: Any) -> str:
    return str(value or "").removeprefix("sha256:")


def _certified(experiment: Experiment) -> list[Metrics]:
    return [row for row in experiment.phases() if row.extra.get("certificate")]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _settings(experiment: Experiment) -> Table | None:
    rows = [[code(key), code(_text(value))] for key, value in sorted(dotted(experiment.config).items())]
    return Table("", ("setting", "value"), rows) if rows else None


def _weights(experiment: Experiment) -> Table:
    rows = [[_short(value) if key in DIGESTS else value for key, value in of.items()] for of in lineage(experiment)]
    return Table("Lineage: weights, what training wrote, and problem sets", LINEAGE, rows)


def _short(digest: str) -> Markup:
    """The first twelve digits; the whole digest is the tooltip."""
    return code(digest[:SHORT], digest) if digest else Markup("")


def _certificates(experiment: Experiment) -> Table | None:
    rows = [
        [row.experiment, str(row.iteration + 1), code(_text(row.extra["certificate"]))]
        for row in _certified(experiment)
    ]
    return Table("Merge certificates", ("run", "round", "certificate"), rows) if rows else None
