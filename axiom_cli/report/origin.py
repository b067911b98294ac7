"""Where a run comes from, on the page: command, machines, settings, and the weights and problems behind the numbers."""

from __future__ import annotations

import shlex
from typing import Any

import orjson
from markupsafe import Markup

from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.pooled import dotted
from axiom_cli.report.command_line import command_line
from axiom_cli.report.formats import Table
from axiom_cli.report.html import Section, card, code, command, joined, numbers, table_card

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
    return {"command": command_line(experiment), "machines": experiment.machines()}


def _settings(experiment: Experiment) -> Table | None:
    rows = [[code(key), _value(value)] for key, value in sorted(dotted(experiment.config).items())]
    return Table("", ("setting", "value"), rows) if rows else None


def _value(value: Any) -> Markup:
    return code(value if isinstance(value, str) else orjson.dumps(value).decode())


def _short(digest: str) -> Markup:
    """The first twelve digits; the whole digest is the tooltip."""
    return code(digest.removeprefix("sha256:")[:12], digest) if digest else Markup("")


def _weights(experiment: Experiment) -> Table:
    """Each model: its weights, the adapter or weights that training wrote, and the problems that it was measured on."""
    trained = {
        (row.experiment, row.iteration + 1): str(row.extra.get("digest", ""))
        for arm in experiment.arms()
        for row in experiment.phases(arm)
        if row.extra["phase"] == "train"
    }
    rows: dict[tuple[str, ...], None] = {}
    for arm in experiment.arms():
        for row in experiment.evaluations(arm):
            model, weights, problems = (str(row.extra.get(key, "")) for key in ("model", "digest", "set"))
            learnt = _short(trained.get((row.experiment, row.iteration), ""))
            place = row.experiment, str(row.iteration), row.split
            rows.setdefault((*place, model, _short(weights), learnt, _short(problems)))
    columns = ("run", "model", "split", "name", "weights", "trained", "problems")
    return Table("Lineage: weights, what training wrote, and problem sets", columns, list(rows))


def _certificates(experiment: Experiment) -> Table | None:
    rows = [
        [row.experiment, str(row.iteration + 1), _value(row.extra["certificate"])]
        for row in experiment.phases()
        if row.extra.get("certificate")
    ]
    return Table("Merge certificates", ("run", "round", "certificate"), rows) if rows else None
