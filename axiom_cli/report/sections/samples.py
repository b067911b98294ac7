"""The problems of `outcome.examples`, on the page and as tables."""

from __future__ import annotations

import shlex

from markupsafe import Markup

from axiom_cli.evaluation.comparison import spoken
from axiom_cli.report.drawing.html import Section, card, code, example, joined
from axiom_cli.report.formats import Table
from axiom_cli.report.outcome.examples import Examples
from axiom_cli.wording import plural

ORDER = {
    "newly solved": "the highest levels first",
    "lost": "the lowest levels first",
    "still failing": "the lowest levels first",
}


def samples_section(name: str, found: Examples | None) -> Section | None:
    """The problems, folded away one by one."""
    if found is None or not any(found.counts.values()):
        return None
    start, selected = f"model {found.start}, the start", f"model {found.selected}, selected"
    cards: list[Markup] = []
    for kind, problems in found.shown.items():
        title = f"{kind.capitalize()}: {plural(found.counts[kind], 'problem')}"
        shown = [example(problem, start, selected) for problem in problems]
        chosen = f", {len(problems)} shown, {ORDER[kind]}" if len(problems) < found.counts[kind] else ""
        cards.append(card(title + chosen, *shown))
    newly, lost = (code(shlex.join(["axiom", "report", name, option])) for option in ("--newly-solved", "--lost"))
    lead = Markup("Greedy answers to {} problems, as the models wrote them. {} and {} write all of them.").format(
        spoken(found.split), newly, lost
    )
    return Section("Samples", lead, joined(cards))


def samples_tables(name: str, found: Examples | None) -> list[Table]:
    """A table for each kind, for Markdown."""
    if found is None:
        return []
    columns = ["family", "level", "prompt", "right", "start said", "why", "its reasoning"]
    columns += ["selected says", "why", "its reasoning"]
    return [
        Table(
            f"{name}: {kind}, {len(problems)} of {found.counts[kind]:,} {spoken(found.split)} problems",
            columns,
            [
                [
                    *(one.family, str(one.level), one.prompt, one.right),
                    *(part for of in (one.start, one.selected) for part in (of.answer, of.reason, of.reasoning)),
                ]
                for one in problems
            ],
        )
        for kind, problems in found.shown.items()
        if problems
    ]
