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


def samples_section(name: str, examples: Examples | None) -> Section | None:
    """The problems, folded away one by one."""
    if examples is None or not any(examples.counts.values()):
        return None
    start, selected = f"model {examples.start}, the start", f"model {examples.selected}, selected"
    cards: list[Markup] = []
    for kind, problems in examples.shown.items():
        title = f"{kind.capitalize()}: {plural(examples.counts[kind], 'problem')}"
        shown = [example(problem, start, selected) for problem in problems]
        chosen = f", {len(problems)} shown, {ORDER[kind]}" if len(problems) < examples.counts[kind] else ""
        cards.append(card(title + chosen, *shown))
    newly, lost = (code(shlex.join(["axiom", "report", name, option])) for option in ("--newly-solved", "--lost"))
    lead = Markup("Greedy answers to {} problems, as the models wrote them. {} and {} write all of them.").format(
        spoken(examples.split), newly, lost
    )
    return Section("Samples", lead, joined(cards))


def samples_tables(name: str, examples: Examples | None) -> list[Table]:
    """A table for each kind, for Markdown."""
    if examples is None:
        return []
    columns = ["family", "level", "prompt", "right", "start said", "why", "its reasoning"]
    columns += ["selected says", "why", "its reasoning"]
    return [
        Table(
            f"{name}: {kind}, {len(problems)} of {examples.counts[kind]:,} {spoken(examples.split)} problems",
            columns,
            [
                [
                    *(problem.family, str(problem.level), problem.prompt, problem.right),
                    *(
                        part
                        for of in (problem.start, problem.selected)
                        for part in (of.answer, of.reason, of.reasoning)
                    ),
                ]
                for problem in problems
            ],
        )
        for kind, problems in examples.shown.items()
        if problems
    ]
