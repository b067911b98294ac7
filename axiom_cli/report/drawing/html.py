"""The pieces that the report page is made of, by the templates beside this file. A template escapes whatever it is
given that is not markup, and spells out what a browser would obey in any other way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from markupsafe import escape as escape_html

from axiom_cli.report.formats import Table
from axiom_cli.wording import spelled_out

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_ROWS = 12
"""A table with more rows than this is folded away."""


@dataclass(frozen=True)
class Section:
    """A titled part of a page. `body` is markup."""

    title: str
    lead: str | Markup
    body: Markup

    @property
    def anchor(self) -> str:
        """What a link within the page names."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@cache
def environment() -> Environment:
    """The templates. A name that a page was not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("axiom_cli.report.drawing"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else spelled_out(str(value)),
        keep_trailing_newline=True,
    )
    templates.filters["figures"] = _figures
    return templates


def _figures(text: str) -> Markup:
    """A sentence in which no line ends between a number and its per cent sign."""
    sentence = text if isinstance(text, Markup) else escape(text)
    return sentence.replace(" %", "\u00a0%")


@cache
def _parts() -> Any:
    return environment().get_template("parts.html").module


def escape(text: str) -> Markup:
    """Text that is no markup and that a browser does not obey in any other way, such as by turning what follows."""
    return escape_html(spelled_out(text))


def joined(parts: Sequence[Markup]) -> Markup:
    """Pieces of markup, one after the other."""
    return Markup("").join(parts)


def card(title: str, *body: Markup) -> Markup:
    """A framed box."""
    return _parts().card(title, joined(body))


def grid(cards: Sequence[Markup]) -> Markup:
    """Boxes, two side by side where there is room."""
    return _parts().grid(cards)


def tiles(cells: Sequence[tuple[str, str, str]]) -> Markup:
    """(what, value, remark) side by side."""
    return _parts().tiles(cells)


def code(text: str, tooltip: str = "") -> Markup:
    """Text in a fixed-width face."""
    return _parts().code(text, tooltip)


def command(line: str) -> Markup:
    """A line to paste into a shell."""
    return _parts().command(line)


def html_table(table: Table) -> Markup:
    """A table. Its cells are text, or markup."""
    return _parts().table(table.title, table.columns, table.rows)


def numbers(table: Table, summary: str = "Numbers") -> Markup:
    """The table behind a plot, folded away."""
    return _parts().folded(summary, html_table(table))


def table_card(table: Table) -> Markup:
    """A table in a box, folded away if it is long."""
    if len(table.rows) <= MOST_ROWS:
        return card("", html_table(table))
    return card("", numbers(table, f"{table.title}: {len(table.rows):,} rows"))


def heat(caption: str, columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> Markup:
    """A table of rates, each cell coloured by its rate and holding it in per cent."""
    return _parts().heat(caption, columns, rows)


def checklist(questions: Sequence[Any]) -> Markup:
    """Questions, each with its answer, or marked open."""
    return _parts().checklist(questions)


def example(example: Any, start: str, selected: str) -> Markup:
    """A problem with what two models wrote, folded away."""
    return _parts().example(example, start, selected)
