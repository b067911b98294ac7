"""The pieces that the report page is made of: sections, cards, tiles and tables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from axiom_cli.report.formats import Table
from axiom_cli.wording import spelled_out


def escape(text: str) -> str:
    """Text that is no markup and that a browser does not obey in any other way, such as by turning what follows."""
    return html.escape(spelled_out(text))


def section(title: str, lead: str, body: str) -> str:
    """A titled part of the page. `body` is markup."""
    paragraph = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return f"<section><h2>{escape(title)}</h2>{paragraph}{body}</section>"


def card(title: str, *body: str) -> str:
    """A framed box. `body` is markup."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="card">{head}{"".join(body)}</div>'


def tiles(cells: Sequence[tuple[str, str, str]]) -> str:
    """(what, value, remark) side by side."""
    body = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>"
        for what, value, remark in cells
    )
    return f'<dl class="tiles">{body}</dl>'


class Markup(str):
    """A table cell that is already escaped."""


def code(text: str, tooltip: str = "") -> Markup:
    """Text in a fixed-width face."""
    title = f' title="{escape(tooltip)}"' if tooltip else ""
    return Markup(f"<code{title}>{escape(text)}</code>")


def html_table(table: Table) -> str:
    """A table. Its cells are text, except those that are Markup."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    cells = [[cell if isinstance(cell, Markup) else escape(cell) for cell in row] for row in table.rows]
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    markup = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scroll(table.title or "table", markup)


def numbers(table: Table) -> str:
    """The table behind a plot, folded away."""
    return f"<details><summary>Numbers</summary>{html_table(table)}</details>"


def _scroll(label: str, markup: str) -> str:
    """A frame that scrolls sideways on a narrow screen, by keyboard too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{markup}</div>'


def heat(caption: str, columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    """A table of rates, each cell coloured by its rate and holding it in per cent."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(map(_cell, rates))}</tr>' for label, rates in rows.items()
    )
    top = f'<caption>{escape(caption)}</caption><thead><tr><th scope="col">model</th>{head}</tr></thead>'
    return _scroll(caption, f'<table class="heat">{top}<tbody>{body}</tbody></table>')


def _cell(rate: float | None) -> str:
    if rate is None:
        return "<td></td>"
    strong = ' class="strong"' if rate > 0.75 else ""
    return f'<td{strong} style="--v:{rate:.3f}">{100 * rate:.0f}</td>'
