"""What all pages share: the template with its parts filled in, and the footer."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from axiom_cli.report.drawing.html import Section, environment
from axiom_cli.report.outcome.next_step import NextStep

FOOTER = """\
Shaded bands and ranges are 95 % intervals. A model is called better only if the paired interval lies above zero,
the exact test gives p under 0.05, and the difference is at least the smallest that this many problems can detect with
80 % power. The round is chosen on the validation problems; the test problems play no part in that choice.
Samples that the machine failed to judge (infra) are counted, but not included in any rate."""


def fill_template(  # noqa: PLR0913 - the parts of a page, given by name
    *,
    kicker: str,
    name: str,
    verdict: str,
    headline: str,
    sentences: Sequence[str],
    tiles: Markup,
    sections: Sequence[Section],
    footer: str,
    next_step: NextStep | None = None,
) -> str:
    """The page of `name`. The first sentence loses what stands before its colon, since `headline` says it."""
    rest = sentences[0].partition(": ")[2]
    return (
        environment()
        .get_template("page.html")
        .render(
            kicker=kicker,
            name=name,
            badge=verdict if verdict in ("better", "worse") else "unsure",
            headline=headline,
            sentence=rest[:1].upper() + rest[1:],
            remarks=sentences[1:],
            next_step=next_step,
            tiles=tiles,
            sections=sections,
            footer=footer,
        )
    )
